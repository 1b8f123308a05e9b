"""What `make repro` runs: the stages in two lanes, two `dvc repro` side by side, each on half of the cores.

One lane runs Part A and then some stages of Part B, the other the rest of Part B. Last comes one `dvc repro` for what needs
both. Work on small tensors is hardly faster on two cores than on one, and DVC and the start of a stage use only one. So two
stages at the same time, on one core each, take less time than one after the other on both cores.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from fundiff.pipeline.machine import cores
from fundiff.pipeline.stage import PART_B, files, stage_entries, targets

LAST = "report"  # needs both lanes
# Stages of Part B that run after Part A, so that both lanes take about as long.
AFTER_PART_A = {
    "train_time_unet",
    "sample_time_unet",
    "autoguidance",
    "train_flow_constant",
    "train_pure_noise",
    "pure_noise",
}


@dataclass(frozen=True)
class Step:
    """Stages that one `dvc repro` runs in a lane, and the names of the steps that must have ended before."""

    lane: str
    stages: list[str]
    after: tuple[str, ...] = ()


def needed_by(names: Iterable[str], entries: Mapping[str, dict[str, Any]]) -> list[str]:
    """The stages `names` and all stages that they need, in an order in which they can run."""
    maker = {
        path: name for name, entry in entries.items() for path in files(entry, "outs", "metrics", "plots")
    }
    found: dict[str, None] = {}

    def visit(name: str) -> None:
        if name not in found:
            for dep in files(entries[name], "deps"):
                for path in maker:
                    if Path(path).is_relative_to(
                        dep
                    ):  # a dep may be a folder with the outs of several stages
                        visit(maker[path])
            found[name] = None

    for name in names:
        visit(name)
    return list(found)


def plan(entries: Mapping[str, dict[str, Any]], part_b: Collection[str]) -> dict[str, Step]:
    """The steps of the two lanes by name; the stages of each are in an order in which they can run.

    A step does not start before those in its `after` have ended. So no two lanes want to run the same stage, and no stage
    runs before those that it needs.
    """
    pictures = needed_by([name for name in entries if name not in {*part_b, LAST}], entries)
    moved = needed_by([name for name in part_b if name in AFTER_PART_A], entries)
    rest = [name for name in needed_by(part_b, entries) if not AFTER_PART_A & {*needed_by([name], entries)}]
    shared = [name for name in moved if name in rest]
    return {
        "shared": Step("B", shared),
        "pictures": Step("A", pictures),
        "moved": Step("A", [name for name in moved if name not in shared], ("shared", "pictures")),
        "rest": Step("B", [name for name in rest if name not in shared], ("shared",)),
    }


def start(targets: Iterable[str], threads: int) -> subprocess.Popen[bytes]:
    """Start `dvc repro` for these stages alone, in this order, with `threads` threads; Ctrl-C reaches it through `stop`.

    Without --single-item DVC would also check the stages that both lanes need. For that it locks their outs, which the other
    lane reads at that time.
    """
    return subprocess.Popen(
        ["dvc", "--wait-for-lock", "repro", "--single-item", *targets],
        env={"FUNDIFF_THREADS": str(threads)} | os.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def tell(name: str, output: IO[bytes]) -> None:
    """Print a lane's output line by line, each after the lane's name; an update of a progress bar counts as a line."""
    rest = b""
    while chunk := os.read(output.fileno(), 65536):
        *lines, rest = re.split(rb"[\r\n]+", rest + chunk)
        for line in filter(None, lines):
            print(f"{name} | {line.decode(errors='replace')}", flush=True)
    if rest:
        print(f"{name} | {rest.decode(errors='replace')}", flush=True)


def stop(runs: Collection[subprocess.Popen[bytes]], patience: float = 10) -> None:
    """Send Ctrl-C to the runs that have not ended, and wait for them; after `patience` seconds send SIGTERM.

    A process that a script started in the background ignores Ctrl-C.
    """
    for sent in (signal.SIGINT, signal.SIGTERM):
        for run in runs:
            if run.poll() is None:
                os.killpg(run.pid, sent)
        for run in runs:
            with suppress(subprocess.TimeoutExpired):
                run.wait(patience)


def together(steps: Mapping[str, Step], threads: int) -> int:
    """Run `dvc repro` for each step as soon as those in its `after` have ended; returns the first exit code that is not 0, or 0.

    If one fails, the others are stopped. Their finished stages need not run again.
    """
    address, ended = targets(), {name for name, step in steps.items() if not step.stages}
    runs: dict[str, subprocess.Popen[bytes]] = {}
    tellers: list[threading.Thread] = []
    try:
        while len(ended) < len(steps) and not any(run.poll() for run in runs.values()):
            for name in steps.keys() - runs.keys() - ended:
                if {*steps[name].after} <= ended:
                    runs[name] = start([address[stage] for stage in steps[name].stages], threads)
                    tellers.append(threading.Thread(target=tell, args=(steps[name].lane, runs[name].stdout)))
                    tellers[-1].start()
            for run in runs.values():
                with suppress(subprocess.TimeoutExpired):
                    run.wait(0.1)
            ended |= {name for name, run in runs.items() if run.poll() == 0}
    finally:
        stop(runs.values())
        for teller in tellers:
            teller.join()
    return next((code for code in (run.returncode for run in runs.values()) if code), 0)


def stages_run(output: str) -> set[str]:
    """The stages that DVC says it runs, by name alone; DVC names the dvc.yaml file before stages of another folder."""
    return set(re.findall(r"Running stage '(?:[^':]+:)?([^']+)'", output))


def to_do() -> set[str]:
    """The stages that DVC finds changed now, without those that will change after them; all stages if DVC fails."""
    dry = subprocess.run(["dvc", "repro", "--dry"], capture_output=True, text=True)
    return set(stage_entries()) if dry.returncode else stages_run(dry.stdout)


def main() -> int:
    """Run all stages; returns DVC's exit code."""
    count = cores()
    always = {name for name, entry in stage_entries().items() if entry.get("always_changed")}
    if count > 1 and to_do() - always - {LAST}:  # otherwise one `dvc repro` is faster than three
        steps = plan(stage_entries(), stage_entries(pipelines=[PART_B]))
        if code := together(steps, count // 2):  # the number of threads changes the last bits
            return code
    return subprocess.call(["dvc", "repro"])


def interrupt(*_: object) -> None:
    """Signal handler: acts like Ctrl-C, so that the lanes are stopped before this process ends."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    for name in ("SIGTERM", "SIGHUP"):  # a closed terminal; Windows has no SIGHUP
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), interrupt)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
