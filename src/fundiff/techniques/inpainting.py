"""Inpainting: new content inside a mask, the rest is kept (course A1.7.2; RePaint, Lugmayr et al. 2022)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from pydantic import Field
from torch import Tensor

from fundiff.pipeline.params import Section
from fundiff.sampling.constraints import keep
from fundiff.techniques.bench import Bench
from fundiff.techniques.settings import GuidedDenoising


class Resample(Section):
    """Params of RePaint's jumps back (`back_and_forth`)."""

    length: int = Field(ge=1, description="length of a jump back, in steps")
    times: int = Field(ge=1, description="passes over a jump's steps; 1 is the course's plain rule")


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
    """Yield every step `[B, 3, S, S]`: pure noise first, the filled pictures last.

    originals `[B, 3, S, S]` in [-1, 1], masks `[B, 1, S, S]`, 1 where new content goes. path: timesteps, with jumps back
    if made by `back_and_forth`. known: generators of the noise of the kept region. It is drawn again after every step, or only
    once if `once` is true.
    """
    constraint = keep(originals, masks, bench.path, known, path[-1], once)
    start = bench.noise(generators)
    yield start
    yield from bench.denoise(settings, start, bench.guided(settings, prompts), path, generators, constraint)


def known_error(filled: Tensor, original: Tensor, mask: Tensor) -> float:
    """Largest absolute difference outside the mask; 0 if the known region was kept exactly."""
    return float(((filled - original) * (1 - mask)).abs().max())
