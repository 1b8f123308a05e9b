"""Files and folders are written completely or not at all: after a kill at any moment the old or the new one is complete."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fundiff.pipeline.files import forget, removed, replacing, save_checkpoint

DEAD = 2**22 + 1  # above the largest process number


def content(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def filled(folder: Path, name: str) -> Path:
    folder.mkdir(parents=True)
    (folder / name).write_text(name)
    return folder


@pytest.mark.parametrize("before", [None, "file", "folder"])
@pytest.mark.parametrize("after", ["file", "folder"])
def test_a_new_one_takes_the_place_of_the_old(before, after, tmp_path):
    path = tmp_path / "out"
    if before == "file":
        path.write_text("old")
    elif before == "folder":
        filled(path, "old")
    with replacing(path) as temporary:
        filled(temporary, "new") if after == "folder" else temporary.write_text("new")
    assert content(tmp_path) == (["out", "out/new"] if after == "folder" else ["out"])


def test_where_the_block_fails_the_old_one_stays(tmp_path):
    filled(tmp_path / "out", "old")
    with pytest.raises(ZeroDivisionError), replacing(tmp_path / "out") as temporary:
        filled(temporary, "half")
        raise ZeroDivisionError
    assert content(tmp_path) == ["out", "out/old"]


@pytest.mark.parametrize(("call", "nth"), [("replace", 1), ("replace", 2), ("rmtree", 1)])
def test_a_kill_between_any_two_steps_leaves_one_whole(call, nth, tmp_path):
    """The process ends at once, without Python's clean-up, just before the nth rename or removal."""
    filled(tmp_path / "out", "old")
    code = f"""
import os, pathlib, shutil
from fundiff.pipeline.files import replacing
calls, module = [], {{"replace": pathlib.Path, "rmtree": shutil}}["{call}"]
known = getattr(module, "{call}")
def deadly(*args, **kwargs):
    calls.append(1)
    if len(calls) == {nth}:
        os._exit(9)
    return known(*args, **kwargs)
setattr(module, "{call}", deadly)
with replacing("out") as temporary:
    temporary.mkdir()
    (temporary / "new").write_text("new")
"""
    assert subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=False).returncode == 9
    found = {tuple(sorted(p.name for p in folder.iterdir())) for folder in tmp_path.iterdir()}
    assert found & {("old",), ("new",)}
    with replacing(tmp_path / "out") as temporary:
        assert content(tmp_path / "out") in (["old"], ["new"]), "what was set aside is back"
        filled(temporary, "newer")
    assert content(tmp_path) == ["out", "out/newer"]


def test_what_dead_processes_left_is_swept_and_what_living_ones_write_is_not(tmp_path):
    filled(tmp_path / f".{DEAD}.out", "half")
    (tmp_path / f".{DEAD}.out2").write_text("another's")
    (tmp_path / ".notes.out").write_text("a user's own")
    filled(tmp_path / f".{os.getppid()}.out", "half")
    with replacing(tmp_path / "out") as temporary:
        temporary.write_text("new")
    assert {path.name for path in tmp_path.iterdir()} == {
        "out", f".{DEAD}.out2", ".notes.out", f".{os.getppid()}.out",
    }  # fmt: skip


def test_a_link_is_removed_and_not_what_it_leads_to(tmp_path):
    filled(tmp_path / "real", "a")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    removed(tmp_path / "link")
    removed(tmp_path / "nothing")
    assert content(tmp_path) == ["real", "real/a"]


def test_a_finished_training_forgets_its_state_and_those_that_no_one_touched_for_weeks(tmp_path):
    for name in ("mine", "todays", "old", "old_but_used"):
        filled(tmp_path / name, "state.pt")
    weeks = time.time() - 20 * 86400
    for path in (tmp_path / "old", tmp_path / "old/state.pt", tmp_path / "old_but_used"):
        os.utime(path, (weeks, weeks))
    save_checkpoint(tmp_path / "old_but_used/state.pt", {"history": []})  # the end of an epoch
    forget(tmp_path / "mine")
    assert {path.name for path in tmp_path.iterdir()} == {"todays", "old_but_used"}
    shutil.rmtree(tmp_path / "todays")
    forget(tmp_path / "none" / "mine")
