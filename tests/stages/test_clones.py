"""The project as users may have it: any folder, any locale, no HOME, a shallow clone, a ZIP, an old Python, no tools.

Each case runs two cheap stages by real DVC, or says in one line why it cannot.
"""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fundiff.pipeline.errors import UserError
from fundiff.pipeline.lock import in_git
from fundiff.pipeline.stage import PIPELINES, target_of
from tests.commands import ENVIRONMENT, shell
from tests.stages.conftest import make_clone

pytestmark = pytest.mark.slow
NEEDED = (
    "src",
    "stages",
    "data/images",
    "data/inputs",
    "data/.gitignore",
    "profiles",
    "params.yaml",
    *PIPELINES,
)
NEEDED += (
    ".dvc",
    ".dvcignore",
    ".gitignore",
    ".gitattributes",
    "Makefile",
    "pyproject.toml",
    "requirements.lock",
)


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    """A repository with the part of the project that two cheap stages need."""
    return make_clone(tmp_path_factory.mktemp("source") / "fundiff", *NEEDED)


def dvc(folder: Path, *arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """DVC in that folder, on its own code."""
    known = (ENVIRONMENT if env is None else env) | {"PYTHONPATH": str(folder / "src")}
    return subprocess.run(
        ["dvc", *arguments],
        cwd=folder,
        env=known,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=600,
    )


def fetches(folder: Path, env: dict[str, str] | None = None) -> None:
    done = dvc(folder, "repro", "fetch_images", env=env)
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stdout + done.stderr
    assert (folder / "data/pictures/campanile.png").is_file()


def without(*names: str) -> dict[str, str]:
    return {name: value for name, value in ENVIRONMENT.items() if name not in names}


@pytest.mark.parametrize(
    ("name", "env"),
    [
        ("a földer with spaces", ENVIRONMENT),
        ("c", without("LANG", "LC_CTYPE") | {"LC_ALL": "C"}),
        ("homeless", without("HOME")),
        ("read_only_home", ENVIRONMENT | {"HOME": "/proc"}),
    ],
)
def test_any_folder_locale_and_home(source, tmp_path, name, env):
    fetches(shutil.copytree(source, tmp_path / name), env)


def test_a_shallow_clone(source, tmp_path):
    shell(tmp_path, "git", "clone", "-q", "--depth", "1", f"file://{source}", "shallow")
    assert (tmp_path / "shallow/.git/shallow").exists()
    fetches(tmp_path / "shallow")


def test_a_zip_says_that_dvc_needs_git_and_works_after_git_init(source, tmp_path):
    folder = tmp_path / "zip"
    folder.mkdir()
    shell(source, "git", "archive", "-o", str(tmp_path / "zip.tar"), "HEAD")
    shutil.unpack_archive(tmp_path / "zip.tar", folder, filter="data")
    command = [sys.executable, "-m", "fundiff.pipeline.lock"]  # what `make repro` runs first
    done = subprocess.run(command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert "not in a git repository, which DVC needs; run `git init` here, or clone" in done.stderr
    said = dvc(folder, "repro", "fetch_images")
    assert (
        said.returncode != 0 and "is not a git repository" in said.stderr and "Traceback" not in said.stderr
    )
    shell(folder, "git", "init", "-q")
    assert not subprocess.run(command, cwd=folder, env=ENVIRONMENT).returncode
    fetches(folder)
    with pytest.raises(UserError):
        in_git(Path("/"))


def test_line_ends_of_windows(source, tmp_path):
    folder = shutil.copytree(source, tmp_path / "crlf")
    for path in (folder / "params.yaml", folder / "dvc.yaml"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    fetches(folder)
    # git gives out Unix line ends on every system, so a profile that ships can be pasted into a command.
    for profile in Path("profiles").iterdir():
        assert shell(source, "git", "check-attr", "eol", f"profiles/{profile.name}").split()[-1] == "lf"


def test_two_repros_at_once(source, tmp_path):
    """Of one stage and of two: each succeeds, or says in one line that another one runs; the next one gives the right result."""
    folder = shutil.copytree(source, tmp_path / "twice")
    for other in ("fetch_images", "fetch_mnist"):
        start = time.monotonic()
        env = ENVIRONMENT | {"PYTHONPATH": str(folder / "src")}
        both = [
            subprocess.Popen(
                ["dvc", "repro", "-f", target_of(name)], cwd=folder, env=env, stderr=-1, stdout=-3, text=True
            )
            for name in ("fetch_images", other)
        ]
        said = [process.communicate(timeout=600)[1] for process in both]
        assert 0 in [process.returncode for process in both], said
        for process, text in zip(both, said, strict=True):
            assert process.returncode == 0 or "is busy" in text or "Unable to acquire lock" in text, text
            assert "Traceback" not in text
        assert time.monotonic() - start < 600
        fetches(folder)
    assert not list(folder.glob("data/.*pictures*"))


def old_python(folder: Path, text: str) -> Path:
    path = folder / "python"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (
            "exit 1",
            "python is missing or older than 3.11; install Python 3.11 or newer, or say which: make PYTHON=",
        ),
        (
            "case $2 in *venv*) exit 1;; esac",
            "python cannot make environments; install its venv module (Debian: ",
        ),
        (
            None,
            "nowhere is missing or older than 3.11; install Python 3.11 or newer, or say which: make PYTHON=",
        ),
    ],
)
def test_make_says_what_python_it_needs(source, tmp_path, script, said):
    folder = shutil.copytree(source, tmp_path / "made")
    python = "nowhere" if script is None else str(old_python(tmp_path, script))
    done = subprocess.run(
        ["make", "repro", f"PYTHON={python}"], cwd=folder, env=ENVIRONMENT, capture_output=True, text=True
    )
    assert done.returncode != 0 and said in done.stderr and "Traceback" not in done.stderr
    assert not (folder / ".venv").exists()


EXPERIMENT = (
    "dvc",
    "exp",
    "run",
    "--temp",
    "-S",
    "+fetch_images.images.mine={file: data/images/mine.svg}",
    "fetch_images",
)


def test_a_picture_of_ones_own_in_an_experiment_elsewhere(source, tmp_path, monkeypatch):
    """An experiment in another folder has only the files that git knows; if the picture is missing, one line says so."""
    folder = shutil.copytree(source, tmp_path / "experiments")
    monkeypatch.setitem(ENVIRONMENT, "PYTHONPATH", "src")
    shutil.copy(folder / "data/images/crab.svg", folder / "data/images/mine.svg")
    said = shell(folder, *EXPERIMENT, fails=True)
    (line,) = [line for line in said.splitlines() if line.startswith("inputs: ")]
    assert "names 'data/images/mine.svg', which cannot be read (No such file" in line
    assert "`git add` it for queued and --temp experiments" in line and "Traceback" not in said
    shell(folder, "git", "add", "data/images/mine.svg")
    assert "Ran experiment" in shell(folder, *EXPERIMENT)


def test_a_value_that_fails_among_queued_ones_fails_alone(source, tmp_path, monkeypatch):
    folder = shutil.copytree(source, tmp_path / "queue")
    monkeypatch.setitem(ENVIRONMENT, "PYTHONPATH", "src")
    shell(folder, "dvc", "exp", "run", "--queue", "-S", "fetch_images.size=many,32", "fetch_images")
    shell(folder, "dvc", "queue", "start")
    deadline = time.monotonic() + 600
    while any(word in (told := shell(folder, "dvc", "queue", "status")) for word in ("Queued", "Running")):
        assert time.monotonic() < deadline, told
        time.sleep(1)
    assert told.count("Success") == 1 and told.count("Failed") == 1
    failed = next(line.split()[0] for line in told.splitlines() if "Failed" in line)
    logged = shell(folder, "dvc", "queue", "logs", failed)
    assert "fetch_images: params.yaml: fetch_images.size is 'many'; expected a valid integer" in logged
    assert "Traceback" not in logged
