"""What `make repro` runs: two `dvc repro` side by side on half of the cores each, then one for what needs both.

Small tensors use one core well and two badly, and DVC and the start of a stage use only one. Two stages at a time, on one
core each, therefore take less time than one after the other on both.
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
from typing import IO, Any

from fundiff.pipeline.stage import PIPELINES, stage_entries, targets

LAST = "report"  # needs both lanes
# Trainings of Part B that run after Part A, so that both lanes take about as long.
AFTER_PART_A = {"train_time_unet", "train_ddpm"}


def files_of(entry: Mapping[str, Any], *keys: str) -> set[str]:
    """The paths that a stage's entry in dvc.yaml lists under `keys`."""
    items = [item for key in keys for item in entry.get(key, [])]
    return {item if isinstance(item, str) else next(iter(item)) for item in items}


def needed_by(names: Iterable[str], entries: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """The stages `names` and all stages that they need."""
    maker = {
        path: name for name, entry in entries.items() for path in files_of(entry, "outs", "metrics", "plots")
    }
    found: set[str] = set()
    left = list(names)
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += [maker[path] for path in files_of(entries[name], "deps") if path in maker]
    return found


def lanes(entries: Mapping[str, Mapping[str, Any]], part_b: Iterable[str]) -> tuple[set[str], set[str]]:
    """The stages of Part A with some trainings of Part B, and those of Part B that need none of these.

    Neither holds a stage that the other needs, but for those that both need: `make repro` runs these first.
    """
    digits = set(part_b)
    first = set(entries) - digits - {LAST} | (AFTER_PART_A & digits)
    return first, {name for name in digits if not AFTER_PART_A & needed_by([name], entries)}


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def start(targets: Iterable[str], threads: int) -> subprocess.Popen[bytes]:
    """`dvc repro` of these targets with so many threads a stage; Ctrl-C reaches it through `stop`."""
    return subprocess.Popen(
        ["dvc", "--wait-for-lock", "repro", *targets],
        env={"FUNDIFF_THREADS": str(threads)} | os.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def tell(name: str, output: IO[bytes]) -> None:
    """Print what a lane says, line by line (an update of a progress bar is a line too), after the lane's name."""
    rest = b""
    while chunk := os.read(output.fileno(), 65536):
        *lines, rest = re.split(rb"[\r\n]+", rest + chunk)
        for line in filter(None, lines):
            print(f"{name} | {line.decode(errors='replace')}", flush=True)
    if rest:
        print(f"{name} | {rest.decode(errors='replace')}", flush=True)


def stop(runs: Collection[subprocess.Popen[bytes]]) -> None:
    """Ctrl-C to those that still run, and wait until they have ended; after ten seconds they are terminated.

    A process that was started in the background of a script does not hear Ctrl-C.
    """
    for sent in (signal.SIGINT, signal.SIGTERM):
        for run in runs:
            if run.poll() is None:
                os.killpg(run.pid, sent)
        for run in runs:
            with suppress(subprocess.TimeoutExpired):
                run.wait(10)


def together(lanes: Mapping[str, Iterable[str]], threads: int) -> int:
    """Run `dvc repro` of the targets of each lane at the same time; returns the first exit code that is not 0, or 0.

    Where one fails the others are stopped: what they have done so far stays done.
    """
    runs = {name: start(those, threads) for name, those in lanes.items()}
    tellers = [threading.Thread(target=tell, args=(name, run.stdout)) for name, run in runs.items()]
    for teller in tellers:
        teller.start()
    try:
        while any(run.poll() is None for run in runs.values()):
            if any(run.poll() for run in runs.values()):
                break
            for run in runs.values():
                with suppress(subprocess.TimeoutExpired):
                    run.wait(0.2)
    finally:
        stop(runs.values())
        for teller in tellers:
            teller.join()
    return next((code for code in (run.returncode for run in runs.values()) if code), 0)


def main() -> int:
    """Run all stages; returns DVC's exit code."""
    count = cores()
    if count > 1:
        entries = stage_entries()
        part_a, part_b = lanes(entries, stage_entries(pipelines=PIPELINES[1:2]))
        shared = needed_by(part_a, entries) & needed_by(part_b, entries)
        address = targets()
        first = [address[name] for name in sorted(shared)]
        if first and (code := subprocess.call(["dvc", "repro", *first])):
            return code
        both = {"A": part_a, "B": part_b}
        if code := together({x: [address[name] for name in both[x]] for x in both}, count // 2):
            return code
    return subprocess.call(["dvc", "repro"])


def interrupt(*_: object) -> None:
    """What Ctrl-C does: the lanes are stopped before this process ends."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    for name in ("SIGTERM", "SIGHUP"):  # a closed terminal; Windows has no SIGHUP
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), interrupt)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
