"""IF's second stage: a picture at four times its size; an anagram is enlarged through all its views."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from fundiff.pipeline.noise import randn
from fundiff.pipeline.runtime import Runtime
from fundiff.prior.hub import Pinned, access, folder_of
from fundiff.prior.pixel_prior import PixelPrior, load_pixel_prior
from fundiff.prior.schedules import load_scheduler, schedule_of
from fundiff.process.paths import VariancePreserving
from fundiff.sampling.estimate import Estimate, Estimator
from fundiff.sampling.estimators import alternating, anagram, guided
from fundiff.sampling.loop import denoise, last
from fundiff.views.registry import enlarged_view
from fundiff.views.rigid import View

FACTOR = 4
# Defaults of diffusers' IFSuperResolutionPipeline.
NOISE_LEVEL, GUIDANCE_SCALE, STEPS = 250, 4.0, 50
Reading = tuple[View, Tensor, float]


@dataclass(frozen=True)
class StageII:
    """A second stage: its prior, and the path that noises its input, the small picture."""

    prior: PixelPrior
    noising: VariancePreserving


def load_stage_ii(model: Pinned, runtime: Runtime) -> StageII | None:
    """The second stage that the manifest names, None if it names none. Raises UserError without access."""
    if model.stage_ii is None:
        return None
    name, revision = model.stage_ii, model.stage_ii_revision
    with access(name):
        folder = folder_of(name, model.variant, revision)
        schedule = schedule_of(name, load_scheduler(folder))
        noising = VariancePreserving.of(load_scheduler(folder, "image_noising_scheduler"))
    second = model.model_copy(update={"name": name, "revision": revision, "schedule": schedule})
    return StageII(load_pixel_prior(second, runtime), noising)


def beside(prior: PixelPrior, low: Tensor, x_t: Tensor, t: float, embeddings: Tensor) -> Estimate:
    """The prior's estimate for x_t, given the noised small picture `low`, which is repeated for both guidance branches."""
    return prior(x_t, t, embeddings, low.repeat(len(x_t) // len(low), 1, 1, 1), NOISE_LEVEL)


@torch.no_grad()
def enlarged(
    second: StageII,
    pictures: Tensor,
    readings: Sequence[Reading],
    unconditional: Tensor,
    generators: Sequence[torch.Generator],
    reduction: str = "mean",
    steps: int = STEPS,
) -> Tensor:
    """Pictures `[B, 3, S, S]` in [-1, 1] to `[B, 3, 4S, 4S]`; readings: (view, token states `[B, 77, C]`, weight).

    One reading in the identity view is IFSuperResolutionPipeline. With more readings the noise is estimated in every view and
    turned back, so that an anagram stays an anagram (Geng et al. 2024). Token states are those of stage I.
    """
    prior, side = second.prior, FACTOR * pictures.shape[-1]
    start = randn(generators, (3, side, side), prior.device)
    large = interpolate(pictures.clamp(-1, 1), (side, side), mode="bilinear", align_corners=True)
    low = second.noising.forward(large, NOISE_LEVEL, randn(generators, large.shape[1:], prior.device))
    timesteps, views = prior.spaced(steps), [enlarged_view(view, FACTOR) for view, _, _ in readings]

    def asked(seen: Tensor, states: Tensor) -> Estimator:
        return guided(partial(beside, prior, seen), states, unconditional, GUIDANCE_SCALE)

    lows, told = [view.view(low) for view in views], [states for _, states, _ in readings]
    if reduction == "alternate":
        parts = zip(views, map(asked, lows, told), strict=True)
        estimator = alternating(list(parts), timesteps)
    else:
        weights = [weight for _, _, weight in readings]
        pairs = list(zip(views, weights, strict=True))
        estimator = anagram(pairs, asked(torch.cat(lows), torch.cat(told)), reduction)
    return last(denoise(start, estimator, timesteps, prior.step("scheduler"), generators))
