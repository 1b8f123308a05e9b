"""Linear components of a picture: functions of `[B, C, H, W]` whose results sum to the picture (Geng et al. 2024)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional as F

from fundiff.sampling.estimators import Component, lowpass


def width(sigma: float, side: int) -> int:
    """The size of a Gaussian's kernel: odd, three sigmas to each side, at most 2 * side - 1, the limit of reflection padding."""
    return min(2 * round(3 * sigma) + 1, 2 * side - 1)


def smooth(x: Tensor, sigma: float) -> Tensor:
    """`[B, C, H, W]` blurred by a Gaussian of `sigma` pixels."""
    return lowpass(x, width(sigma, x.shape[-1]), sigma)


def bands(sigmas: Sequence[float]) -> list[Component]:
    """Frequency bands from low to high. n sigmas (pixels) of Gaussians make n + 1 bands."""
    cuts = sorted(sigmas, reverse=True)

    def band(above: float | None, below: float | None) -> Component:
        def component(x: Tensor) -> Tensor:
            fine = x if below is None else smooth(x, below)
            return fine if above is None else fine - smooth(x, above)

        return component

    edges = [None, *cuts, None]
    return [band(above, below) for above, below in pairwise(edges)]


def colour() -> list[Component]:
    """The grey of a picture (the mean of its channels), and the rest, its colours."""

    def grey(x: Tensor) -> Tensor:
        return x.mean(1, keepdim=True).expand_as(x)

    return [grey, lambda x: x - grey(x)]


def motion(length: int) -> list[Component]:
    """A picture blurred by a motion of `length` pixels along its diagonal, and the rest that the blur takes away."""
    kernel = torch.eye(length).flip(1) / length

    def blurred(x: Tensor) -> Tensor:
        channels, before = x.shape[1], length // 2
        padded = F.pad(x, [before, length - 1 - before] * 2, mode="reflect")
        weights = kernel.to(x).expand(channels, 1, length, length)
        return F.conv2d(padded, weights, groups=channels)

    return [blurred, lambda x: x - blurred(x)]


KINDS: dict[str, Callable[..., list[Component]]] = {"bands": bands, "colour": colour, "motion": motion}
