"""What a new user waits for: the environment, `make repro` and `make test` in a fresh clone."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.commands import shell
from benchmarks.turn import Play, Turn, timed
from fundiff.pipeline.stage import PIPELINES

DONE = re.compile(r"(\w+): read .*; ([\d.]+) s, (\d+) MB$", re.MULTILINE)  # the last line of a stage
# The stages run the clone's code, in the environment of this Python.
MAKE = ("env", "PYTHONPATH=src", "make", "--old-file", "environment")


@contextmanager
def fresh_clone() -> Iterator[Path]:
    """A clone of the last commit, as `git clone --depth 1` makes it, for as long as it is used."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "fundiff"
        shell(".", "git", "clone", "-q", "--depth", "1", Path.cwd().as_uri(), str(folder))
        yield folder


def gigabytes(folder: Path) -> float:
    """Size of all files below the folder in GB; a file with several names counts once."""
    said = subprocess.check_output(["du", "-sk", folder], text=True)
    return round(int(said.split()[0]) * 1024 / 1e9, 2)


def environment() -> Play:
    """Seconds of `make environment`, and the size of what it makes."""

    def play(rival: Turn | None) -> Turn:
        with fresh_clone() as folder:
            seconds = timed(lambda: shell(folder, "make", "environment"))[0]
            return Turn(seconds, {"gb": gigabytes(folder / ".venv")})

    return play


def told(said: str) -> dict[str, Any]:
    """Seconds and peak memory in MB of every stage, from the output of `make repro`."""
    rows = DONE.findall(said)
    return {
        "stages": len(rows),
        "seconds": {name: float(seconds) for name, seconds, _ in rows},
        "peak_mb": {name: int(memory) for name, _, memory in rows},
    }


def make_repro() -> Play:
    """Seconds of `make repro` if every stage must run."""

    def play(rival: Turn | None) -> Turn:
        with fresh_clone() as folder:
            for pipeline in PIPELINES:
                (folder / pipeline).with_suffix(".lock").unlink()
            seconds, said = timed(lambda: shell(folder, *MAKE, "repro"))
            return Turn(seconds, told(said))

    return play


def make_test() -> Play:
    """Seconds of `make test`."""

    def play(rival: Turn | None) -> Turn:
        with fresh_clone() as folder:
            seconds, said = timed(lambda: shell(folder, *MAKE, "test"))
            return Turn(seconds, {"passed": int(re.findall(r"(\d+) passed", said)[-1])})

    return play
