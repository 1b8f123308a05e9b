"""Faults of life, on a small copy of the project: `python -m tests.faults_campaign --rounds 50`, or `make faults`.

Every round one of them happens to a stage at a random moment: kill -9 of the stage alone or with DVC, Ctrl-C, two repros
at once, a damaged cache object, a cut out. Then `dvc repro` has to end with the bytes of an undisturbed run. Prints the
counts, and ends with exit code 1 where anything was lost, half-written or other.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from fundiff.pipeline.errors import UserError
from fundiff.pipeline.files import digest
from fundiff.pipeline.lock import read_locks
from fundiff.pipeline.params import read_yaml
from fundiff.pipeline.stage import stage_entries, target_of
from tests.commands import ENVIRONMENT, shell

ENVIRONMENT.update(FUNDIFF_PRECISION="fp32", FUNDIFF_THREADS="1")  # of every command here
STAGES = ["fetch_mnist", "noising", "judge", "train_denoiser", "sample_denoiser", "fetch_images"]
SMALL: dict[str, dict[str, Any]] = {
    "fetch_mnist": {"train": 100, "validation": 20, "test": 20},
    "judge": {"epochs": 4, "repeats": 2, "batch_size": 10},
    "train_denoiser": {"epochs": 6, "repeats": 2, "batch_size": 10, "hidden_size": 4, "snapshots": [1, 6]},
}


def project(folder: Path) -> Path:
    """A copy of what git lists, with small params, in a repository of its own, with every stage done once."""
    listed = subprocess.check_output(["git", "ls-files", "-z", "-co", "--exclude-standard"], text=True)
    for name in filter(None, listed.split("\0")):
        if Path(name).is_file() and not name.startswith(("models/", "report/figures/", "prior/sheets/")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(name, folder / name)
    params = read_yaml(folder / "params.yaml")
    for section, changes in SMALL.items():
        params[section] |= changes
    with (folder / "params.yaml").open("w", encoding="utf-8") as file:
        YAML().dump(params, file)
    shell(folder, "git", "init", "-q")
    shell(folder, "dvc", "repro", *map(target_of, STAGES), minutes=30)
    shell(folder, "git", "add", "-A")
    shell(folder, "git", "commit", "-qm", "done once")
    return folder


def outs(folder: Path, stage: str) -> list[Path]:
    """The files that a stage has left."""
    entry = stage_entries(folder)[stage]
    items = [item for kind in ("outs", "metrics", "plots") for item in entry.get(kind, [])]
    paths = [folder / (item if isinstance(item, str) else next(iter(item))) for item in items]
    return [f for p in paths for f in ([p] if p.is_file() else sorted(p.rglob("*"))) if f.is_file()]


def state(folder: Path) -> dict[str, str]:
    """The content hash of all that the stages have left."""
    return {
        path.relative_to(folder).as_posix(): digest(path) for stage in STAGES for path in outs(folder, stage)
    }


def started(folder: Path, *command: str) -> subprocess.Popen:
    """A command in a process group of its own, so that a signal takes all of it along."""
    return subprocess.Popen(
        command, cwd=folder, env=ENVIRONMENT, stdout=-3, stderr=-3, start_new_session=True
    )


def again(stage: str) -> list[str]:
    """The command that does a stage once more, whatever DVC remembers."""
    return ["dvc", "repro", "--force", "--single-item", "--no-run-cache", target_of(stage)]


def hit(folder: Path, stage: str, chance: random.Random, how: signal.Signals, alone: bool) -> None:
    """A signal to a stage, or to DVC with it, at a random moment."""
    process = started(folder, *([sys.executable, "-m", f"stages.{stage}"] if alone else again(stage)))
    try:
        process.wait(chance.uniform(0.5, 15))
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, how)
        process.wait(120)


def two_at_once(folder: Path, stage: str, chance: random.Random) -> None:
    """Two repros at once, of the same stage or of two; DVC may refuse the second, and never both."""
    other = chance.choice([stage, "noising"])
    both = [started(folder, *again(name), "--wait-for-lock") for name in (stage, other)]
    assert 0 in [process.wait(900) for process in both], "both of two repros at once failed"


def damaged(folder: Path, stage: str, chance: random.Random) -> None:
    """A byte of a stage's out changed in DVC's cache, and the out gone from the workspace."""
    file = chance.choice([path for path in (folder / ".dvc/cache/files").rglob("*") if path.is_file()])
    file.chmod(0o644)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(bytes(content))


def cut(folder: Path, stage: str, chance: random.Random) -> None:
    """An out of a stage cut in half in the workspace."""
    file = chance.choice(outs(folder, stage))
    content = file.read_bytes()
    file.unlink()
    file.write_bytes(content[: len(content) // 2])


FAULTS: dict[str, Callable[[Path, str, random.Random], None]] = {
    "kill -9 of the stage": lambda f, s, c: hit(f, s, c, signal.SIGKILL, alone=True),
    "kill -9 of DVC and the stage": lambda f, s, c: hit(f, s, c, signal.SIGKILL, alone=False),
    "Ctrl-C": lambda f, s, c: hit(f, s, c, signal.SIGINT, alone=False),
    "two repros at once": two_at_once,
    "a damaged cache object": damaged,
    "a cut out": cut,
}


def half_written(folder: Path, whole: dict[str, str]) -> set[str]:
    """Outs under their own names that are neither gone nor what they were."""
    return {
        name for name, known in whole.items() if (folder / name).is_file() and digest(folder / name) != known
    }


def campaign(folder: Path, rounds: int, seed: int) -> Counter[str]:
    """What happened, how often; everything but the faults themselves, mended locks and equal ends counts as lost."""
    whole, chance, told = state(folder), random.Random(seed), Counter[str]()
    for number in range(rounds):
        fault = list(FAULTS)[number % len(FAULTS)]
        stage = chance.choice(STAGES)
        start = time.monotonic()
        FAULTS[fault](folder, stage, chance)
        told[fault] += 1
        if fault != "a cut out" and (half := half_written(folder, whole)):
            told[f"lost: half-written {sorted(half)} after {fault}"] += 1
        try:
            read_locks(folder)
        except UserError:
            told["dvc.lock cut, and brought back from git"] += 1
            shell(folder, "git", "checkout", "*dvc.lock")
        shell(folder, "dvc", "repro", *map(target_of, STAGES), minutes=30)
        told["ends equal" if state(folder) == whole else f"lost: other bytes after {fault} of {stage}"] += 1
        print(f"{number + 1}/{rounds}: {fault}, {stage}: {time.monotonic() - start:.0f} s", flush=True)
    return told


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--rounds", type=int, default=50)
    asked.add_argument("--seed", type=int, default=0)
    options = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        told = campaign(project(Path(folder)), options.rounds, options.seed)
    for what, count in told.items():
        print(f"{count:4} {what}")
    sys.exit(any(what.startswith("lost") for what in told))


if __name__ == "__main__":
    main()
