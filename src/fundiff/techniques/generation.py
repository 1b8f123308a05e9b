"""Pictures from pure noise, with and without classifier-free guidance (course A0, A1.5, A1.6)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from fundiff.pictures.outs import unit
from fundiff.pipeline.noise import sample_generators
from fundiff.sampling.estimate import Estimator
from fundiff.techniques.bench import Bench
from fundiff.techniques.settings import Denoising, Guided


def generated(
    bench: Bench, settings: Denoising, estimator: Estimator, timesteps: Sequence[float], count: int
) -> Iterator[Tensor]:
    """Yield every step `[count, 3, S, S]` of sampling `count` pictures: pure noise first, the samples last."""
    generators = sample_generators(settings.seed, count)
    start = bench.noise(generators)
    yield start
    yield from bench.denoise(settings, start, estimator, timesteps, generators)


def guided_samples(
    bench: Bench, settings: Guided, prompt: str, count: int, **changed: float | str
) -> list[Tensor]:
    """All steps `[count, 3, S, S]` of guided samples of a prompt, pure noise first; `changed` overrides settings."""
    settings = settings.model_copy(update=changed)
    estimator = bench.guided(settings, [prompt] * count)
    return list(generated(bench, settings, estimator, bench.timesteps(settings), count))


def look(x: Tensor) -> dict[str, float]:
    """Spread, contrast and clipping of samples `[B, 3, S, S]` in [-1, 1].

    spread: mean root mean square distance of two samples; contrast: standard deviation of all values, both on [0, 1];
    clipped: share of values beyond [-1, 1].
    """
    pairs = torch.pdist(unit(x).flatten(1)) / x[0].numel() ** 0.5
    return {
        "spread": float(pairs.mean()) if len(pairs) else 0.0,
        "contrast": float(unit(x).std()),
        "clipped": float((x.abs() > 1).float().mean()),
    }
