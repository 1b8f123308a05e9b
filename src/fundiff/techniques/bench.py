"""What every technique works with: a prior, the embeddings of its prompts, and the loop as the settings want it."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch import Tensor

from fundiff.pipeline.errors import UserError
from fundiff.pipeline.noise import randn
from fundiff.pipeline.progress import progress
from fundiff.pipeline.runtime import detect
from fundiff.prior.flow import FlowPrior
from fundiff.prior.hub import load_pinned
from fundiff.prior.pixel_prior import PixelPrior, load_pixel_prior
from fundiff.prior.prompts import embed
from fundiff.process.paths import Path
from fundiff.process.predictions import Process
from fundiff.sampling.estimate import Estimator
from fundiff.sampling.estimators import conditional, guide, guided
from fundiff.sampling.loop import Constraint, denoise
from fundiff.techniques.settings import Denoising, Guiding, Timed

Q = TypeVar("Q", PixelPrior, FlowPrior)


@dataclass(frozen=True)
class Bench(Generic[Q]):
    """A prior and the token states `[77, C]` of the prompts that a technique asks it for."""

    prior: Q
    embeddings: Mapping[str, Tensor]

    @property
    def path(self) -> Path:
        """The prior's way from image to noise."""
        return self.prior.path

    @property
    def process(self) -> Process:
        """Its path, and what its estimates hold."""
        return self.prior.process

    @property
    def device(self) -> str:
        """Where the prior works."""
        return self.prior.device

    def timesteps(self, settings: Timed) -> Sequence[float]:
        """The settings' timesteps on the prior's path."""
        return settings.timesteps(self.path)

    def states(self, prompts: Sequence[str]) -> Tensor:
        """The prompts' token states `[len(prompts), 77, C]`."""
        return torch.stack([self.embeddings[prompt] for prompt in prompts]).to(self.device)

    def conditional(self, prompts: Sequence[str]) -> Estimator:
        """The estimate under a prompt a row, without guidance."""
        return conditional(self.prior, self.states(prompts))

    def guided(self, settings: Guiding, prompts: Sequence[str]) -> Estimator:
        """The guided estimate under a prompt a row."""
        unconditional = self.states([settings.unconditional])[0]
        return guided(self.prior, self.states(prompts), unconditional, settings.guidance_scale)

    def guide(self, settings: Guiding, estimator: Estimator, count: int) -> Estimator:
        """Guidance of an estimate of `count` rows that is made of conditional ones."""
        return guide(estimator, self.conditional([settings.unconditional] * count), settings.guidance_scale)

    def noise(self, generators: Sequence[torch.Generator]) -> Tensor:
        """Pure noise `[B, 3, S, S]`, the start of sampling."""
        return randn(generators, (3, self.prior.size, self.prior.size), self.device)

    def denoise(
        self,
        settings: Denoising,
        x: Tensor,
        estimator: Estimator,
        timesteps: Sequence[float],
        generators: Sequence[torch.Generator],
        constraint: Constraint | None = None,
        enter: Sequence[int] | None = None,
    ) -> Iterator[Tensor]:
        """The one loop by the step of the settings, with its progress where it is long."""
        step = self.prior.steps[settings.step]
        steps = denoise(x, estimator, timesteps, step, generators, constraint, enter, self.path.renoise)
        yield from progress(steps, "denoising", len(timesteps) - 1)


def open_bench(prompts: Sequence[str], manifest: str | pathlib.Path = "data/model.json") -> Bench[PixelPrior]:
    """The bench of the prior that the manifest of stage `model` names, with these prompts.

    The prompts are encoded before the UNet is loaded, so that the two need not fit into memory together.
    """
    model, runtime = load_pinned(manifest), detect()
    embeddings = embed(model, runtime, prompts)
    return Bench(load_pixel_prior(model, runtime), embeddings)


def open_flow_bench(prompts: Sequence[str]) -> Bench[FlowPrior]:
    """The same with the prior on the linear path, for settings of the course's flow form."""
    bench = open_bench(prompts)
    return Bench(FlowPrior(bench.prior), bench.embeddings)


def entry(level: int, timesteps: Sequence[float]) -> int:
    """A level (the course's i_start) that the list of timesteps has. Raises UserError for another."""
    if not 0 <= level < len(timesteps):
        raise UserError(f"params.yaml: level {level} is out of range; expected 0 to {len(timesteps) - 1}")
    return level
