"""SDEdit (Meng et al. 2022): noise a picture to some level and denoise it from there (course A1.7)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from fundiff.pipeline.noise import randn
from fundiff.sampling.loop import Constraint, last
from fundiff.techniques.bench import Bench
from fundiff.techniques.settings import GuidedDenoising


def sdedit(
    bench: Bench,
    settings: GuidedDenoising,
    originals: Tensor,
    prompts: Sequence[str],
    levels: Sequence[int],
    generators: Sequence[torch.Generator],
    constraint: Constraint | None = None,
) -> Tensor:
    """Noise originals `[B, 3, S, S]` in [-1, 1], row b to timesteps[levels[b]], and denoise them from there.

    A small level is much noise. All rows are one batch, which row b joins at its timestep; levels must ascend.
    """
    timesteps = bench.timesteps(settings)
    t = torch.tensor([timesteps[level] for level in levels])
    start = bench.path.forward(originals, t, randn(generators, originals.shape[1:], bench.device))
    estimator = bench.guided(settings, prompts)
    return last(bench.denoise(settings, start, estimator, timesteps, generators, constraint, enter=levels))


def distance(edited: Tensor, original: Tensor) -> float:
    """Root mean square difference of two pictures in [-1, 1], divided by 2: 0 to 1."""
    return float((edited - original).square().mean().sqrt() / 2)
