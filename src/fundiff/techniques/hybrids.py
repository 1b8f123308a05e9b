"""Hybrid images: one thing from near, another from afar (course A1.9; Geng et al. 2024)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from pydantic import Field
from torch import Tensor

from fundiff.pipeline.errors import UserError
from fundiff.pipeline.params import Section
from fundiff.sampling.estimators import hybrid
from fundiff.sampling.loop import last
from fundiff.techniques.bench import Bench
from fundiff.techniques.settings import GuidedDenoising


class Pair(Section):
    """The two prompts of a hybrid."""

    far: str = Field(description="the prompt seen from afar: the low frequencies")
    near: str = Field(description="the prompt seen from near: the high frequencies")


def draw_hybrid(
    bench: Bench,
    settings: GuidedDenoising,
    far: Sequence[str],
    near: Sequence[str],
    kernel: int,
    sigma: float,
    generators: Sequence[torch.Generator],
) -> Tensor:
    """Sample pictures `[B, 3, S, S]` whose low frequencies show far[b] and whose high ones show near[b].

    kernel (odd) and sigma, in pixels, are the Gaussian's. Raises UserError if the kernel is even or too large.
    """
    if kernel % 2 == 0 or kernel // 2 >= bench.prior.size:
        limit = f"an odd number below {2 * bench.prior.size}"
        raise UserError(f"params.yaml: hybrid_images.kernel is {kernel}; expected {limit}")
    estimator = hybrid(bench.conditional(far), bench.conditional(near), kernel, sigma)
    guided = bench.guide(settings, estimator, len(generators))
    start = bench.noise(generators)
    return last(bench.denoise(settings, start, guided, bench.timesteps(settings), generators))
