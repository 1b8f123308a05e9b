"""Clones of the project: a fresh one, and one in which the smoke profile has run."""

import json
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest
from filelock import FileLock

from fundiff.pipeline.side_by_side import stages_run
from tests.commands import copy_listed, shell

ALWAYS = {"inputs"}  # looks at the files that params name, every time
SMOKE = Path("profiles/smoke").read_text(encoding="utf-8").split()
SMOKE_COMMAND = "dvc exp run $(cat profiles/smoke)"  # as the README has it


class Smoked(NamedTuple):
    """A clone in which the smoke profile has run, so that it has all outs, and the stages that this ran."""

    folder: Path
    ran: set[str]


def make_clone(folder: Path, *paths: str) -> Path:
    """Copy the project as git has it, with files not yet committed, or only `paths` of it, to an empty folder."""
    copy_listed(folder, *paths)
    shell(folder, "git", "init", "-q", "-b", "main")
    shell(folder, "git", "add", "-A")
    shell(folder, "git", "commit", "-qm", "a clone")
    return folder


def end_processes(folder: Path) -> None:
    """Kill processes that still run in the folder, such as a worker of DVC's queue."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if Path(process.cwd()).is_relative_to(folder):
                process.kill()


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Path:
    """A fresh clone."""
    return make_clone(tmp_path_factory.mktemp("fresh") / "fundiff")


@pytest.fixture(scope="session")
def smoke(tmp_path_factory, worker_id) -> Smoked:
    """A clone after the smoke profile; the first worker of pytest-xdist that needs it makes it for all.

    Every stage needs time for its imports and DVC's lock: a quarter of an hour on slow cores, with any sizes.
    """
    base = tmp_path_factory.getbasetemp()
    root = base if worker_id == "master" else base.parent
    folder, told = root / "smoke/fundiff", root / "smoke.json"
    with FileLock(root / "smoke.lock"):
        if not told.exists():
            make_clone(folder)
            ran = stages_run(shell(folder, "bash", "-c", SMOKE_COMMAND, minutes=40))
            told.write_text(json.dumps(sorted(ran)), encoding="utf-8")
    return Smoked(folder, set(json.loads(told.read_text(encoding="utf-8"))))


@pytest.fixture(scope="module")
def smoked(smoke, tmp_path_factory) -> Iterator[Smoked]:
    """A copy of that clone for the tests of one file."""
    folder = tmp_path_factory.mktemp("smoked") / "fundiff"
    shutil.copytree(smoke.folder, folder, symlinks=True)
    yield Smoked(folder, smoke.ran)
    end_processes(folder)
