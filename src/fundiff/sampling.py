"""Sampling of digits by the one loop: start from noise, an estimator, no constraint."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor

from fundiff.denoise import Estimator, denoise, strided
from fundiff.randomness import randn
from fundiff.runtime import Runtime
from fundiff.schedule import Schedule
from fundiff.steps import STEPS


def sample(
    estimator: Estimator,
    schedule: Schedule,
    generators: Sequence[torch.Generator],
    runtime: Runtime,
    steps: int,
    sampler: str = "ddpm",
) -> Iterator[Tensor]:
    """Yield `[B, 1, 28, 28]` after each of `steps` evenly spaced steps from pure noise; row b from generators[b]."""
    x = randn(generators, (1, 28, 28), runtime.device)
    with runtime.autocast():
        yield from denoise(x, estimator, strided(len(schedule), steps), STEPS[sampler](schedule), generators)


def last(frames: Iterable[Tensor]) -> Tensor:
    """The picture: the last value of a denoising."""
    frame = None
    for frame in frames:  # noqa: B007
        pass
    if frame is None:
        raise ValueError("nothing was denoised: give at least one step")
    return frame


def quantised(images: Tensor) -> Tensor:
    """Images as a file would hold them: clamped to [0, 1] and rounded to 256 levels."""
    return images.float().clamp(0, 1).mul(255).round().div(255)
