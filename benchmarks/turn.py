"""One turn of a side of a row, and the timing of its work."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

R = TypeVar("R")


@dataclass(frozen=True)
class Turn:
    """Result of one turn: a value in the row's unit, and details such as the quality."""

    value: float
    details: dict[str, Any] = field(default_factory=dict)


# A side is a function that sets up, warms up, and returns a Play. Play runs one turn, given the rival's latest one.
Play = Callable[[Turn | None], Turn]


def waited_for(device: str) -> None:
    """Wait until the device has finished all work."""
    import torch

    if torch.device(device).type == "cuda":
        torch.cuda.synchronize(device)


def timed(work: Callable[[], R], device: str = "cpu") -> tuple[float, R]:
    """(seconds, result) of the work, including its work on the device."""
    waited_for(device)
    start = time.perf_counter()
    result = work()
    waited_for(device)
    return time.perf_counter() - start, result


def amount(count: int, device: str) -> int:
    """The number of repetitions: `count` on a CPU, 20 times as many on an accelerator."""
    return count if device == "cpu" else 20 * count
