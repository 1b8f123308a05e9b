"""Inpainting: new content inside a mask, the rest of the picture kept (course A1.7.2; RePaint, Lugmayr et al. 2022)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from fundiff.sampling.constraints import back_and_forth, keep
from fundiff.techniques.bench import Bench
from fundiff.techniques.settings import GuidedDenoising


def inpaint(
    bench: Bench,
    settings: GuidedDenoising,
    originals: Tensor,
    masks: Tensor,
    prompts: Sequence[str],
    path: Sequence[float],
    generators: Sequence[torch.Generator],
    known: Sequence[torch.Generator],
    once: bool = False,
) -> Iterator[Tensor]:
    """Every picture `[B, 3, S, S]` on the way from pure noise, which comes first; the last ones are done.

    originals `[B, 3, S, S]` in [-1, 1], masks `[B, 1, S, S]`, 1 where new content goes. path: the timesteps, with
    RePaint's jumps back where `resampled` made it. known: the generators of the kept region's noise,
    which is drawn anew after every step, or `once`.
    """
    constraint = keep(originals, masks, bench.path, known, path[-1], once)
    start = bench.noise(generators)
    yield start
    yield from bench.denoise(settings, start, bench.guided(settings, prompts), path, generators, constraint)


def resampled(timesteps: Sequence[float], length: int, times: int) -> list[float]:
    """The timesteps with every `length` steps passed `times` times; times 1 is the course's plain list."""
    return back_and_forth(timesteps, length, times)


def known_error(filled: Tensor, original: Tensor, mask: Tensor) -> float:
    """The largest difference outside of the mask; 0 where the known region was kept exactly."""
    return float(((filled - original) * (1 - mask)).abs().max())
