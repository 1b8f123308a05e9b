"""What `make repro` checks before DVC starts."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fundiff.pipeline.errors import UserError
from fundiff.pipeline.lock import in_git, without_damaged

ROOT = Path(__file__).resolve().parents[2]


def kept(cache: Path, content: bytes, ending: str = "") -> Path:
    """An object of DVC's cache, read-only as DVC leaves it."""
    name = hashlib.md5(content).hexdigest()
    path = cache / "files/md5" / name[:2] / (name[2:] + ending)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(0o444)
    return path


def test_a_damaged_object_of_the_cache_goes_and_the_others_stay(tmp_path):
    whole, folder, damaged, cut = (
        kept(tmp_path, b"whole"), kept(tmp_path, b"[]", ".dir"), kept(tmp_path, b"weights"), kept(tmp_path, b"digits"),
    )  # fmt: skip
    for path, content in ((damaged, b"weighty"), (cut, b"dig")):
        path.chmod(0o644)
        path.write_bytes(content)
        path.chmod(0o444)
    assert set(without_damaged(tmp_path)) == {damaged, cut}
    assert whole.is_file() and folder.is_file() and not damaged.exists() and not cut.exists()
    assert without_damaged(tmp_path) == []
    assert without_damaged(tmp_path / "none") == []


def test_files_that_dvc_writes_at_this_moment_are_left_alone(tmp_path):
    whole = kept(tmp_path, b"weights")
    unfinished = whole.with_name(f".{whole.name}.tmp")
    unfinished.write_bytes(b"wei")
    assert without_damaged(tmp_path) == [] and unfinished.exists()


def test_a_folder_outside_git_is_one_line(tmp_path):
    (tmp_path / "repository/.git").mkdir(parents=True)
    (tmp_path / "repository/inside").mkdir()
    in_git(tmp_path / "repository/inside")
    with pytest.raises(UserError, match="which DVC needs; run `git init` here, or clone"):
        in_git(Path("/"))


def test_make_repro_says_all_of_it(tmp_path):
    (tmp_path / ".git").mkdir()
    damaged = kept(tmp_path / ".dvc/cache", b"weights")
    damaged.chmod(0o644)
    damaged.write_bytes(b"weighty")

    def said() -> tuple[int, str]:
        environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
        command = [sys.executable, "-m", "fundiff.pipeline.lock"]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
        return done.returncode, done.stderr

    assert said() == (
        0,
        f"{damaged.relative_to(tmp_path)}: damaged, and removed; what it held is made anew\n",
    )
    assert said() == (0, "")
    (tmp_path / "dvc.lock").write_text("stages:\n  a:\n    deps")
    code, line = said()
    assert code == 1 and "`git checkout dvc.lock`" in line and line.count("\n") == 1
    assert "python -m fundiff.pipeline.lock" in (ROOT / "Makefile").read_text(encoding="utf-8")
