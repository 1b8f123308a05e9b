"""The interval of noise levels at which guidance acts (Kynkäänniemi et al. 2024)."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from fundiff.process.paths import Path


def ascending(interval: tuple[float, float]) -> tuple[float, float]:
    """The interval itself. Raises ValueError if it ends before it begins."""
    if interval[0] > interval[1]:
        raise ValueError("the interval ends before it begins")
    return interval


Share = Annotated[float, Field(ge=0, le=1)]
Interval = Annotated[
    tuple[Share, Share],
    AfterValidator(ascending),
    Field(description="where guidance acts, as shares of the noisiest t; the course's [0, 1] is everywhere"),
]


def between(interval: tuple[float, float], path: Path) -> tuple[float, float]:
    """First and last timestep with guidance on a path."""
    low, high = interval
    return low * (len(path) - 1), high * (len(path) - 1)
