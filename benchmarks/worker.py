"""One side in a process of its own, so that its peak memory is its own; it plays a turn for every line of stdin."""

from __future__ import annotations

import importlib
import json
import os
import sys
from dataclasses import asdict
from typing import Any

from benchmarks.turn import Turn
from fundiff.pipeline.errors import UserError


def accelerator_mb() -> float | None:
    """Peak memory on the accelerator in MB, None if nothing ran on one."""
    import torch

    used = torch.cuda.max_memory_allocated() if torch.cuda.is_available() else 0
    return used / 2**20 if used else None


def main(function: str, args: dict[str, Any]) -> None:
    """Write JSON lines to stdout: ready, then each turn, then the peak memory of an accelerator."""
    # Send what the work prints to stderr; stdout carries the answers alone.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def say(answer: dict[str, Any]) -> None:
        print(json.dumps(answer), file=answers, flush=True)

    try:
        module, name = function.rsplit(".", 1)
        play = getattr(importlib.import_module(f"benchmarks.{module}"), name)(**args)
        say({"ready": True})
        for line in sys.stdin:
            told = json.loads(line)
            say(asdict(play(Turn(**told) if told else None)))
        if "torch" in sys.modules:
            say({"accelerator_mb": accelerator_mb()})
    except UserError as error:
        say({"error": str(error)})


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
