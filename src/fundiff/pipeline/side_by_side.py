"""What `make repro` runs: the stages in two lanes, two `dvc repro` side by side, each on half of the cores.

First run the stages that both lanes need, then the two lanes, then one `dvc repro` for the rest. Work on small tensors is
hardly faster on two cores than on one, and DVC and the start of a stage use only one. So two stages at the same time, on one
core each, take less time than one after the other on both cores.
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

from fundiff.pipeline.machine import cores
from fundiff.pipeline.stage import PIPELINES, files, stage_entries, targets

LAST = "report"  # needs both lanes
# Stages of Part B that run after Part A, so that both lanes take about as long.
AFTER_PART_A = {"train_time_unet", "sample_time_unet", "autoguidance", "train_flow_constant"}


def needed_by(names: Iterable[str], entries: Mapping[str, dict[str, Any]]) -> list[str]:
    """The stages `names` and all stages that they need, in an order in which they can run."""
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
    """Three lists: Part A with some of Part B, the stages of Part B that need none of these, and the stages that both need.

    No stage of one of the first two lists needs a stage of the other. Each list is in an order in which it can run.
    """
    digits = set(part_b)
    part_a = needed_by([name for name in entries if name not in digits | {LAST}], entries)
    part_a = needed_by([*part_a, *(name for name in entries if name in AFTER_PART_A & digits)], entries)
    rest = [name for name in needed_by(part_b, entries) if not AFTER_PART_A & {*needed_by([name], entries)}]
    both = [name for name in part_a if name in rest]
    return [n for n in part_a if n not in both], [n for n in rest if n not in both], both


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


def together(wanted: Mapping[str, Iterable[str]], threads: int) -> int:
    """Run `dvc repro` of every lane's targets at the same time; returns the first exit code that is not 0, or 0.

    If one lane fails, the others are stopped. Their finished stages need not run again.
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
        part_a, part_b, both = lanes(stage_entries(), stage_entries(pipelines=PIPELINES[1:2]))
        address = targets()
        for names in ({"A and B": both}, {"A": part_a, "B": part_b}):
            wanted = {lane: [address[name] for name in names[lane]] for lane in names if names[lane]}
            if code := together(wanted, count // 2):  # the number of threads changes the last bits
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
