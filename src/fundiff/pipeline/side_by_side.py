"""What `make repro` runs: what two lanes need, two `dvc repro` side by side on half of the cores each, then one for the rest.

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

from fundiff.pipeline.stage import PIPELINES, files, stage_entries, targets

LAST = "report"  # needs both lanes
# Stages of Part B that run after Part A, so that both lanes take about as long.
AFTER_PART_A = {"train_time_unet", "sample_time_unet", "autoguidance", "train_flow_constant"}


def needed_by(names: Iterable[str], entries: Mapping[str, dict[str, Any]]) -> list[str]:
    """The stages `names` and all stages that they need, each after those that it needs itself."""
    maker = {
        path: name for name, entry in entries.items() for path in files(entry, "outs", "metrics", "plots")
    }
    found: dict[str, None] = {}

    def visit(name: str) -> None:
        if name not in found:
            for path in files(entries[name], "deps"):
                if path in maker:
                    visit(maker[path])
            found[name] = None

    for name in names:
        visit(name)
    return list(found)


def lanes(
    entries: Mapping[str, dict[str, Any]], part_b: Iterable[str]
) -> tuple[list[str], list[str], list[str]]:
    """The stages of Part A with some of Part B, those of Part B that need none of these, and those that both need.

    Neither of the first two holds a stage that the other needs, and each is in an order in which it can run.
    """
    digits = set(part_b)
    part_a = needed_by([name for name in entries if name not in digits | {LAST}], entries)
    part_a = needed_by([*part_a, *(name for name in entries if name in AFTER_PART_A & digits)], entries)
    rest = [name for name in needed_by(part_b, entries) if not AFTER_PART_A & {*needed_by([name], entries)}]
    both = [name for name in part_a if name in rest]
    return [n for n in part_a if n not in both], [n for n in rest if n not in both], both


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def start(targets: Iterable[str], threads: int) -> subprocess.Popen[bytes]:
    """`dvc repro` of these stages alone, in this order, with so many threads each; Ctrl-C reaches it through `stop`.

    --single-item: to look at a stage that both lanes need, DVC would ask for its outs while the other lane reads them.
    """
    return subprocess.Popen(
        ["dvc", "--wait-for-lock", "repro", "--single-item", *targets],
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


def together(wanted: Mapping[str, Iterable[str]], threads: int) -> int:
    """Run `dvc repro` of the targets wanted of each lane at the same time; returns the first exit code that is not 0, or 0.

    Where one fails the others are stopped: what they have done so far stays done.
    """
    runs = {name: start(those, threads) for name, those in wanted.items()}
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


def stages_run(output: str) -> set[str]:
    """The stages that DVC says it runs, without the dvc.yaml file that it names before those of another folder."""
    return set(re.findall(r"Running stage '(?:[^':]+:)?([^']+)'", output))


def to_do() -> set[str]:
    """The stages that DVC finds changed now; of those that follow them it knows nothing yet. All if it cannot tell."""
    dry = subprocess.run(["dvc", "repro", "--dry"], capture_output=True, text=True)
    return set(stage_entries()) if dry.returncode else stages_run(dry.stdout)


def main() -> int:
    """Run all stages; returns DVC's exit code."""
    count = cores()
    always = {name for name, entry in stage_entries().items() if entry.get("always_changed")}
    if count > 1 and to_do() - always - {LAST}:  # else one `dvc repro` is quicker than three
        part_a, part_b, both = lanes(stage_entries(), stage_entries(pipelines=PIPELINES[1:2]))
        address = targets()
        for names in ({"A and B": both}, {"A": part_a, "B": part_b}):
            wanted = {lane: [address[name] for name in names[lane]] for lane in names if names[lane]}
            if code := together(wanted, count // 2):  # bits depend on the number of threads
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
