"""Constraints on a denoising, applied after each of its steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from fundiff.pipeline.noise import randn
from fundiff.process.paths import Path
from fundiff.sampling.estimators import Component
from fundiff.sampling.loop import Constraint


def at_its_noise(
    original: Tensor, path: Path, generators: Sequence[torch.Generator], final: float, once: bool = False
) -> Callable[[int, float], Tensor]:
    """A function (n, t) -> the first n originals, noised to timestep t; at `final` and below the originals themselves.

    The noise is drawn again at each call, or only once for the whole denoising if `once` is true.
    """

    def drawn(n: int) -> Tensor:
        return randn(generators[:n], original.shape[1:], str(original.device))

    fixed = drawn(len(original)) if once else None

    def known(n: int, t: float) -> Tensor:
        if t <= final:
            return original[:n]
        return path.forward(original[:n], t, drawn(n) if fixed is None else fixed[:n])

    return known


def keep(
    original: Tensor,
    mask: Tensor,
    path: Path,
    generators: Sequence[torch.Generator],
    final: float,
    once: bool = False,
) -> Constraint:
    """x_t <- m x_t + (1 - m) forward(original, t) (course A1.7.2; RePaint, Lugmayr et al. 2022, eq. 8).

    original `[B, C, H, W]` in [-1, 1], mask `[B, 1, H, W]`, 1 where new content goes. final: the last timestep, at which the
    kept region becomes the original without noise. once: as in `at_its_noise`.
    """
    known_at = at_its_noise(original, path, generators, final, once)

    def constrain(x: Tensor, t: float) -> Tensor:
        n = len(x)
        return mask[:n] * x + (1 - mask[:n]) * known_at(n, t)

    return constrain


def keep_component(
    original: Tensor,
    component: Component,
    path: Path,
    generators: Sequence[torch.Generator],
    final: float,
) -> Constraint:
    """x_t <- x_t - c(x_t) + c(forward(original, t)): an inverse hybrid (factorized diffusion, Geng et al. 2024).

    The linear component c of the picture stays that of the original; the rest is drawn. original `[B, C, H, W]` in [-1, 1].
    """
    known_at = at_its_noise(original, path, generators, final)

    def constrain(x: Tensor, t: float) -> Tensor:
        return x - component(x) + component(known_at(len(x), t))

    return constrain


def back_and_forth(timesteps: Sequence[float], length: int, times: int) -> list[float]:
    """RePaint's list of timesteps: each block of `length` steps is taken `times` times, with a jump back between.

    More passes make the new content fit to the kept one. times = 1 gives the plain list.
    """
    walk = [timesteps[0]]
    for start in range(0, len(timesteps) - 1, length):
        block = list(timesteps[start + 1 : start + 1 + length])
        walk += block + ([timesteps[start], *block]) * (times - 1)
    return walk
