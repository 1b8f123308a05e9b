"""Ways to take a picture apart: linear components `[B, C, H, W]` -> same that sum to the picture (Geng et al. 2024)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional as F

from fundiff.sampling.estimators import Component, lowpass


def width(sigma: float, side: int) -> int:
    """An odd kernel that holds three sigmas each way, at most what reflection at the border allows."""
    return min(2 * round(3 * sigma) + 1, 2 * side - 1)


def smooth(x: Tensor, sigma: float) -> Tensor:
    """Gaussian blur of `[B, C, H, W]`."""
    return lowpass(x, width(sigma, x.shape[-1]), sigma)


def bands(sigmas: Sequence[float]) -> list[Component]:
    """Frequency bands from low to high, cut by Gaussians of falling sigma (pixels): n sigmas make n + 1 bands."""
    cuts = sorted(sigmas, reverse=True)

    def band(above: float | None, below: float | None) -> Component:
        def component(x: Tensor) -> Tensor:
            fine = x if below is None else smooth(x, below)
            return fine if above is None else fine - smooth(x, above)

        return component

    edges = [None, *cuts, None]
    return [band(above, below) for above, below in pairwise(edges)]


def colour() -> list[Component]:
    """The grey of a picture (mean of the channels), and its colour without the grey."""

    def grey(x: Tensor) -> Tensor:
        return x.mean(1, keepdim=True).expand_as(x)

    return [grey, lambda x: x - grey(x)]


def motion(length: int) -> list[Component]:
    """What is left of a picture that moved along its diagonal by `length` pixels, and what the motion took."""
    kernel = torch.eye(length).flip(1) / length

    def blurred(x: Tensor) -> Tensor:
        channels, before = x.shape[1], length // 2
        padded = F.pad(x, [before, length - 1 - before] * 2, mode="reflect")
        weights = kernel.to(x).expand(channels, 1, length, length)
        return F.conv2d(padded, weights, groups=channels)

    return [blurred, lambda x: x - blurred(x)]


KINDS: dict[str, Callable[..., list[Component]]] = {"bands": bands, "colour": colour, "motion": motion}
