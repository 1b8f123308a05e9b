"""The denoising loop. A technique is a start, a noise estimator, an optional constraint, and `denoise`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from math import ceil

import torch
from torch import Tensor

from fundiff.pipeline.noise import randn
from fundiff.process.paths import Linear
from fundiff.sampling.estimate import Estimator
from fundiff.sampling.steps import Step

Constraint = Callable[[Tensor, float], Tensor]
Renoise = Callable[[Tensor, float, float, Tensor], Tensor]


@torch.no_grad()
def denoise(
    x: Tensor,
    estimator: Estimator,
    timesteps: Sequence[float],
    step: Step,
    generators: Sequence[torch.Generator],
    constraint: Constraint | None = None,
    enter: Sequence[int] | None = None,
    renoise: Renoise | None = None,
) -> Iterator[Tensor]:
    """Yield x after every step of `timesteps`. The last value is the picture, all of them are the animation.

    x: `[B, C, H, W]`, the starts, at timesteps[0] or, with `enter` (ascending), row b at timesteps[enter[b]].
    estimator: (x_t, t) -> Estimate; rows that have not entered yet are left out of its calls.
    generators: one per row, so a row is the same alone or in a batch. constraint: applied after each step.
    renoise: (x_t, t, t_later, noise) -> x at t_later, for steps to a larger t; they do not call the estimator.
    Raises ValueError for `enter` that is not ascending, or a step to a larger t without `renoise`.
    """
    x = x.clone()
    enter = list(enter) if enter is not None else [0] * len(x)
    if enter != sorted(enter):
        raise ValueError("rows must be ordered by the step at which they enter")
    for index, (t, t_next) in enumerate(pairwise(timesteps)):
        n = sum(entry <= index for entry in enter)
        if n:
            noise = randn(generators[:n], x.shape[1:], str(x.device))
            if t_next < t:
                x[:n] = step(x[:n], t, t_next, estimator(x[:n], t), noise)
            elif renoise is not None:
                x[:n] = renoise(x[:n], t, t_next, noise)
            else:
                raise ValueError(f"timesteps go back from {t} to {t_next}: give `renoise`")
            if constraint is not None:
                x[:n] = constraint(x[:n], t_next)
        yield x.clone()


def last(frames: Iterable[Tensor]) -> Tensor:
    """The last value of a denoising, the picture; the others are not kept. Raises ValueError if there is none."""
    frame = None
    for frame in frames:  # noqa: B007
        pass
    if frame is None:
        raise ValueError("nothing was denoised: give at least one step")
    return frame


def every(stride: int, count: int) -> list[int]:
    """The multiples of the stride below `count`, descending to 0: the course's 990, 960, ..., 0 of 1000 (A1.4)."""
    return list(range((count - 1) // stride * stride, -1, -stride))


def strided(count: int, steps: int) -> list[int]:
    """`steps` timesteps from count - 1 downwards, `count / steps` apart, then -1 (the clean image).

    This is trailing spacing (Lin et al. 2024, section 3.3): the first step starts at pure noise and the last ends without
    noise, so no call of the estimator is wasted.
    """
    return [*(round(count - index * count / steps) - 1 for index in range(steps)), -1]


def euler_timesteps(path: Linear, start: float, length: float) -> list[float]:
    """The t of Euler's steps of size `length` in alpha, from alpha = `start` to the image (course 1.5, 2026).

    The last step is shortened to end at the image.
    """
    steps = ceil((1 - start) / length - 1e-9)
    return [*(path.at_alpha(start + index * length) for index in range(steps)), -1.0]


def calls(timesteps: Sequence[float]) -> int:
    """The number of calls of the estimator in a denoising along `timesteps`: one for each step to a smaller t."""
    return sum(t_next < t for t, t_next in pairwise(timesteps))
