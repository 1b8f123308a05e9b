"""Random faults on a small copy of the project: `python -m tests.faults_campaign --rounds 50`, or `make faults`.

Every round kills a stage (`kill -9`) at a random moment: in turn the stage alone, so that DVC can report it, and DVC together
with the stage. After every second kill another fault happens: Ctrl-C, two repros at once, a full disk, a damaged file in DVC's
cache, an out cut in half, two outs swapped. Then `dvc repro` must end with the same bytes as an undisturbed run. Prints how
often each thing happened. The exit code is 1 if anything was lost, half-written or different.
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
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from ruamel.yaml import YAML

from fundiff.pipeline.files import digest
from fundiff.pipeline.params import read_yaml
from fundiff.pipeline.stage import PIPELINES, stage_entries, target_of
from tests.commands import ENVIRONMENT, copy_listed, shell

ENVIRONMENT.update(FUNDIFF_PRECISION="fp32", FUNDIFF_THREADS="1")  # of every command here
FIRST = ["inputs", "model", "critic"]  # needed by the others, and too short for a kill to meet them
# Stages of every kind: fetching, noise, Part A's sampling, trainings, sampling of digits, the report.
STAGES = [
    *("fetch_images", "forward_process", "sampling", "fetch_mnist", "noising", "judge"),
    *("train_denoiser", "sample_denoiser", "train_flow", "upscaling", "report"),
]
SMALL: dict[str, dict[str, Any]] = {
    "sampling": {"stride": 330, "count": 1},
    "fetch_mnist": {"train": 100, "validation": 20, "test": 20},
    "judge": {"epochs": 4, "repeats": 2, "batch_size": 10},
    "train_denoiser": {"epochs": 6, "repeats": 2, "batch_size": 10, "hidden_size": 4, "snapshots": [1, 6]},
    "train_flow": {"batch_size": 10, "hidden_size": 4, "timesteps": 20},  # other numbers name its epochs
}  # fmt: skip


@dataclass
class Project:
    """A copy of the project in which every stage has run undisturbed: seconds per stage, and the hashes of all outs."""

    folder: Path
    chance: random.Random
    seconds: dict[str, float]
    whole: dict[str, str]


def copied(folder: Path) -> None:
    """A copy of what git lists, with small params, in a repository of its own."""
    copy_listed(folder, without="prior/sheets/")
    params = read_yaml(folder / "params.yaml")
    for section, changes in SMALL.items():
        params[section] |= changes
    with (folder / "params.yaml").open("w", encoding="utf-8") as file:
        YAML().dump(params, file)
    shell(folder, "git", "init", "-q")


def repro(folder: Path) -> None:
    """Run every changed stage, as `dvc repro` does, in this order, but not the stages that only the report needs."""
    shell(folder, "dvc", "repro", "--single-item", *map(target_of, [*FIRST, *STAGES]), minutes=30)


def undisturbed(folder: Path, seed: int) -> Project:
    """The project with every stage done, and the seconds that each took."""
    copied(folder)
    ENVIRONMENT["PYTHONPATH"] = str(
        folder / "src"
    )  # its own code, not that of the folder that it was copied from
    seconds = {}
    for stage in [*FIRST, *STAGES]:
        start = time.monotonic()
        shell(folder, *again(stage))
        seconds[stage] = time.monotonic() - start
    print(f"undisturbed: { {stage: round(s) for stage, s in seconds.items()} } s", flush=True)
    shell(folder, "git", "add", "-A")
    shell(folder, "git", "commit", "-qm", "done once")
    return Project(folder, random.Random(seed), seconds, state(folder))


def outs(folder: Path, stage: str, cached: bool = False) -> list[Path]:
    """The files that a stage has written; with `cached` only those that DVC copies to its cache."""
    entry = stage_entries(folder)[stage]
    items = [item for kind in ("outs", "metrics", "plots") for item in entry.get(kind, [])]
    paths = [folder / (item if isinstance(item, str) else next(iter(item))) for item in items if not cached or isinstance(item, str)]  # fmt: skip
    return [f for p in paths for f in ([p] if p.is_file() else sorted(p.rglob("*"))) if f.is_file()]


def state(folder: Path) -> dict[str, str]:
    """The content hash of every file that the stages have written."""
    return {
        path.relative_to(folder).as_posix(): digest(path) for stage in STAGES for path in outs(folder, stage)
    }


def started(folder: Path, *command: str) -> subprocess.Popen:
    """Start a command in its own process group, so that a signal reaches all of its processes."""
    return subprocess.Popen(
        command, cwd=folder, env=ENVIRONMENT, stdout=-3, stderr=-3, start_new_session=True
    )


def again(stage: str) -> list[str]:
    """The command that runs a stage again, also if DVC finds it unchanged."""
    return ["dvc", "repro", "--force", "--single-item", "--no-run-cache", target_of(stage)]


def of_stage(process: subprocess.Popen, stage: str) -> list[psutil.Process]:
    """The processes of the stage itself among those that DVC started."""
    found = []
    with suppress(psutil.Error):
        for child in psutil.Process(process.pid).children(recursive=True):
            with suppress(psutil.Error):
                found += [child] if f"stages.{stage}" in " ".join(child.cmdline()) else []
    return found


def hit(project: Project, stage: str, how: signal.Signals, alone: bool) -> None:
    """Send a signal to the stage alone, or to DVC and the stage, at a random moment; repeated until it meets a running stage."""
    for _ in range(20):
        process, start = started(project.folder, *again(stage)), time.monotonic()
        with suppress(subprocess.TimeoutExpired):
            process.wait(project.chance.uniform(0, project.seconds[stage]))
            project.seconds[stage] = time.monotonic() - start  # less, as the machine is less busy now
            continue
        hurt = of_stage(process, stage) if alone else []
        for one in hurt:
            with suppress(psutil.Error):
                one.send_signal(how)
        if not alone and process.poll() is None:
            os.killpg(process.pid, how)
        if process.wait(600) != 0:
            return
    raise AssertionError(f"{stage} was never met while it ran")


def two_at_once(project: Project, stage: str) -> None:
    """Two repros at once, of one stage or of two. DVC may refuse the second in one line, but never both."""
    other = project.chance.choice([stage, "noising"])
    both = [started(project.folder, *again(name)) for name in (stage, other)]
    assert 0 in [process.wait(900) for process in both], "both of two repros at once failed"


@contextmanager
def full(folder: Path, left: int) -> Iterator[None]:
    """Leave only `left` free bytes on the project's small disk, for the duration of the block."""
    used = shutil.disk_usage(folder).used

    def size(option: str) -> None:
        subprocess.run(["mount", "-o", f"remount,size={option}", str(folder)], check=True)

    size(str(used + left))
    try:
        yield
    finally:
        size("1g")


def full_disk(project: Project, stage: str) -> None:
    """Run a stage on a disk with little space left."""
    with full(project.folder, project.chance.choice([4096, 20_000, 100_000, 400_000])):
        started(project.folder, *again(stage)).wait(600)


def damaged(project: Project, stage: str) -> None:
    """Change a byte of an out in DVC's cache, and delete the out from the workspace."""
    folder, chance = project.folder, project.chance
    kept = outs(folder, stage, cached=True) or [f for s in STAGES for f in outs(folder, s, cached=True)]
    gone = chance.choice(kept)
    size = gone.stat().st_size
    content = gone.read_bytes()
    gone.unlink()
    for copy in (folder / ".dvc/cache/files").rglob("*"):
        if copy.is_file() and copy.stat().st_size == size and copy.read_bytes() == content:
            mode = copy.stat().st_mode
            copy.chmod(0o644)
            copy.write_bytes(
                content[: size // 2] + bytes([content[size // 2] ^ 1]) + content[size // 2 + 1 :]
            )
            copy.chmod(mode)  # as a failing disk would leave it
            return
    raise AssertionError(f"{gone} is not in DVC's cache")


def cut(project: Project, stage: str) -> None:
    """Cut an out of a stage in half in the workspace."""
    file = project.chance.choice(outs(project.folder, stage))
    content = file.read_bytes()
    file.unlink()
    file.write_bytes(content[: len(content) // 2])


def swapped(project: Project, stage: str) -> None:
    """Exchange the names of two outs, of one stage or of two."""
    here, others = outs(project.folder, stage), [f for s in STAGES for f in outs(project.folder, s)]
    one = project.chance.choice(here)
    other = project.chance.choice([path for path in others if path != one])
    aside = one.with_name("aside")
    one.replace(aside), other.replace(one), aside.replace(other)


KILLS: dict[str, Callable[[Project, str], None]] = {
    "kill -9 of the stage alone": lambda p, s: hit(p, s, signal.SIGKILL, alone=True),
    "kill -9 of DVC and the stage": lambda p, s: hit(p, s, signal.SIGKILL, alone=False),
}
OTHERS: dict[str, Callable[[Project, str], None]] = {
    "Ctrl-C": lambda p, s: hit(p, s, signal.SIGINT, alone=False),
    "two repros at once": two_at_once,
    "a full disk": full_disk,
    "a damaged cache object": damaged,
    "a cut out": cut,
    "two outs swapped": swapped,
}
MEANT = ("a cut out", "two outs swapped")  # faults that leave a wrong file themselves


def half_written(project: Project) -> set[str]:
    """The outs that exist but whose content has changed."""
    paths = {name: project.folder / name for name in project.whole}
    return {n for n, path in paths.items() if path.is_file() and digest(path) != project.whole[n]}


def suffered(project: Project, fault: str, stage: str, told: Counter[str]) -> None:
    """Cause one fault, run `dvc repro`, and compare all outs with those of the undisturbed run; a difference counts as lost."""
    start = time.monotonic()
    (KILLS | OTHERS)[fault](project, stage)
    told[fault] += 1
    if fault not in MEANT and (half := half_written(project)):
        told[f"lost: half-written {sorted(half)} after {fault} of {stage}"] += 1
    # `make repro` makes this check before DVC. Its line about an incomplete dvc.lock advises this checkout.
    check = [sys.executable, "-m", "fundiff.pipeline.lock"]
    if subprocess.run(check, cwd=project.folder, env=ENVIRONMENT, stderr=-3).returncode:
        told["dvc.lock cut, and brought back from git"] += 1
        shell(project.folder, "git", "checkout", *(p.replace(".yaml", ".lock") for p in PIPELINES))
    try:
        repro(project.folder)
        equal = state(project.folder) == project.whole
    except AssertionError as error:
        print(error, flush=True)
        equal = False
    told["ends equal" if equal else f"lost: other bytes after {fault} of {stage}"] += 1
    print(f"{fault}, {stage}: {'equal' if equal else 'OTHER'}, {time.monotonic() - start:.0f} s", flush=True)
    if not equal:  # repair the project before the next fault
        shell(project.folder, "git", "checkout", "-q", ".")
        for name in STAGES:
            shell(project.folder, *again(name))


def campaign(project: Project, rounds: int) -> Counter[str]:
    """Run all rounds; returns how often each thing happened."""
    told, stages = Counter[str](), list(STAGES)
    for number in range(rounds):
        if number % len(stages) == 0:
            project.chance.shuffle(stages)  # every stage is hit equally often, in a new order each time
        suffered(project, list(KILLS)[number % 2], stages[number % len(stages)], told)
        if number % 2:
            fault = list(OTHERS)[number // 2 % len(OTHERS)]
            suffered(project, fault, project.chance.choice(stages), told)
        print(f"{number + 1}/{rounds}: {dict(told)}", flush=True)
    return told


@contextmanager
def small_disk() -> Iterator[Path]:
    """An empty folder on its own small disk, which can be filled. That needs root; without it no full disk is tested."""
    with tempfile.TemporaryDirectory() as folder:
        options = ["mount", "-t", "tmpfs", "-o", "size=1g", "tmpfs", folder]
        own = (
            sys.platform == "linux"
            and not os.geteuid()
            and not subprocess.run(options, capture_output=True).returncode
        )
        if not own:
            print("no disk of its own can be had here: a full one is left out", flush=True)
            del OTHERS["a full disk"]
        try:
            yield Path(folder) / "project" if not own else Path(folder)
        finally:
            if own:
                subprocess.run(["umount", "-l", folder], check=True)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--rounds", type=int, default=50)
    asked.add_argument("--seed", type=int, default=0)
    asked.add_argument(
        "--stages", nargs="+", default=STAGES, help="in the order in which they depend on each other"
    )
    options = asked.parse_args()
    STAGES[:] = options.stages
    # A shell makes its background processes ignore Ctrl-C, and their children inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with small_disk() as folder:
        told = campaign(undisturbed(folder, options.seed), options.rounds)
    for what, count in told.items():
        print(f"{count:4} {what}")
    sys.exit(any(what.startswith("lost") for what in told))


if __name__ == "__main__":
    main()
