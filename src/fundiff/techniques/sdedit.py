"""SDEdit (Meng et al. 2022): pictures noised to a level and denoised from there (course A1.7)."""

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
    """Originals `[B, 3, S, S]` in [-1, 1], row b noised to the settings' timesteps[levels[b]] and denoised from there.

    All rows are one batch: a row joins it when its timestep comes, so levels must ascend. A small level is much noise.
    """
    timesteps = bench.timesteps(settings)
    t = torch.tensor([timesteps[level] for level in levels])
    start = bench.path.forward(originals, t, randn(generators, originals.shape[1:], bench.device))
    estimator = bench.guided(settings, prompts)
    return last(bench.denoise(settings, start, estimator, timesteps, generators, constraint, enter=levels))


def distance(edited: Tensor, original: Tensor) -> float:
    """Root mean square difference of two pictures in [-1, 1], as a share of the range."""
    return float((edited - original).square().mean().sqrt() / 2)
