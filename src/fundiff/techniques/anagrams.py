"""Visual anagrams (Geng et al. 2024): one picture, several views, a prompt for each (course A1.8)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from fundiff.sampling.estimators import anagram
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
    """Sample pictures `[N, 3, S, S]` in [-1, 1], one a generator, that show each reading's prompt in its view.

    readings: (view, prompt, weight). reduction: how the views' estimates are combined (mean, sum or alternate), as in
    `fundiff.sampling.estimators.anagram`.
    """
    parts = [
        (view, bench.guided(settings, [prompt] * len(generators)), weight)
        for view, prompt, weight in readings
    ]
    estimator = anagram(parts, reduction, bench.timesteps(settings))
    start = bench.noise(generators)
    return last(bench.denoise(settings, start, estimator, bench.timesteps(settings), generators))
