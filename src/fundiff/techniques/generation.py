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
    """`count` pictures `[count, 3, S, S]` on their way out of pure noise, which comes first; the last ones are done."""
    generators = sample_generators(settings.seed, count)
    start = bench.noise(generators)
    yield start
    yield from bench.denoise(settings, start, estimator, timesteps, generators)


def guided_samples(
    bench: Bench, settings: Guided, prompt: str, count: int, **changed: float | str
) -> list[Tensor]:
    """Every frame `[count, 3, S, S]` of guided samples of a prompt, pure noise first, with some settings changed."""
    settings = settings.model_copy(update=changed)
    estimator = bench.guided(settings, [prompt] * count)
    return list(generated(bench, settings, estimator, bench.timesteps(settings), count))


def look(x: Tensor) -> dict[str, float]:
    """How varied samples `[B, 3, S, S]` are, how strong their contrast, and what share of values is cut off."""
    pairs = torch.pdist(unit(x).flatten(1)) / x[0].numel() ** 0.5
    return {
        "spread": float(pairs.mean()) if len(pairs) else 0.0,
        "contrast": float(unit(x).std()),
        "clipped": float((x.abs() > 1).float().mean()),
    }
