"""Visual anagrams (Geng et al. 2024): one picture, several views, a prompt for each (course A1.8)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from fundiff.sampling.estimators import alternating, anagram
from fundiff.sampling.loop import last
from fundiff.techniques.bench import Bench
from fundiff.techniques.settings import GuidedDenoising
from fundiff.views.rigid import View

Reading = tuple[View, str, float]


def draw_anagram(
    bench: Bench,
    settings: GuidedDenoising,
    readings: Sequence[Reading],
    generators: Sequence[torch.Generator],
    reduction: str = "mean",
) -> Tensor:
    """Sample pictures `[N, 3, S, S]` in [-1, 1], one per generator, that show each reading's prompt in its view.

    readings: (view, prompt, weight). reduction: how the views' estimates are combined (mean, sum or alternate), as in
    `fundiff.sampling.estimators`.
    """
    timesteps, rows = bench.timesteps(settings), len(generators)
    if reduction == "alternate":
        parts = [(view, bench.guided(settings, [prompt] * rows)) for view, prompt, _ in readings]
        estimator = alternating(parts, timesteps)
    else:
        guided = bench.guided(settings, [prompt for _, prompt, _ in readings for _ in range(rows)])
        estimator = anagram([(view, weight) for view, _, weight in readings], guided, reduction)
    return last(bench.denoise(settings, bench.noise(generators), estimator, timesteps, generators))
