"""Commands as a user types them, with this Python's own programs, one thread and without a network."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ENVIRONMENT = os.environ | {
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    "HF_HUB_OFFLINE": "1",
    "OMP_NUM_THREADS": "1",
    "GIT_AUTHOR_NAME": "test",
    "GIT_AUTHOR_EMAIL": "test@localhost",
    "GIT_COMMITTER_NAME": "test",
    "GIT_COMMITTER_EMAIL": "test@localhost",
}


def shell(folder: Path, *command: str, fails: bool = False, minutes: int = 10) -> str:
    """The output of a command that ends within `minutes`; it must succeed, or fail if `fails` is true.

    The output goes to a file. With a pipe this would wait until every background process that the command starts has ended.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8") as file:
        done = subprocess.run(
            command, cwd=folder, env=ENVIRONMENT, stdout=file, stderr=file, timeout=60 * minutes
        )
        file.seek(0)
        said = file.read()
    assert (done.returncode != 0) == fails, f"{' '.join(command)}\n{said[-6000:]}"
    return said


def copy_listed(folder: Path, *paths: str, without: str = "\0") -> None:
    """Copy all files (or only `paths`) that git lists or would add, except paths that begin with `without`."""
    listed = subprocess.check_output(
        ["git", "ls-files", "-z", "-co", "--exclude-standard", *paths], text=True
    )
    for name in filter(None, listed.split("\0")):
        if Path(name).is_file() and not name.startswith(without):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(name, folder / name)
