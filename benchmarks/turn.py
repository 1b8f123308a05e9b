"""A contestant's turn, and how time is taken."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

R = TypeVar("R")


@dataclass(frozen=True)
class Turn:
    """What one turn came to, in the row's unit, and what is to be read beside it."""

    value: float
    details: dict[str, Any] = field(default_factory=dict)


# A contestant is a function of the row's arguments that sets itself up, warms up, and returns this: it plays one turn,
# told what its rival's last one came to.
Play = Callable[[Turn | None], Turn]


def waited_for(device: str) -> None:
    """Until the device has done what it was asked."""
    import torch

    if torch.device(device).type == "cuda":
        torch.cuda.synchronize(device)


def timed(work: Callable[[], R], device: str = "cpu") -> tuple[float, R]:
    """(seconds, result) of the work, all that it asked of the device included."""
    waited_for(device)
    start = time.perf_counter()
    result = work()
    waited_for(device)
    return time.perf_counter() - start, result


def amount(count: int, device: str) -> int:
    """What is long enough to measure on a CPU, made longer for an accelerator."""
    return count if device == "cpu" else 20 * count
