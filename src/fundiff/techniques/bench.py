"""The bench, which all techniques use: the prior, the prompts' embeddings, and the loop with the settings of a stage."""

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
from fundiff.pipeline.runtime import prepare_runtime
from fundiff.prior.flow import FlowPrior
from fundiff.prior.hub import load_pinned
from fundiff.prior.pixel_prior import PixelPrior, load_pixel_prior
from fundiff.prior.prompts import embed
from fundiff.process.paths import Path
from fundiff.process.predictions import Process
from fundiff.sampling.estimate import Estimator
from fundiff.sampling.estimators import conditional, guide, guided
from fundiff.sampling.intervals import between
from fundiff.sampling.loop import Constraint, denoise
from fundiff.techniques.settings import Denoising, Guiding, Timed

Q = TypeVar("Q", PixelPrior, FlowPrior)


@dataclass(frozen=True)
class Bench(Generic[Q]):
    """A prior, and the token states `[77, C]` of the prompts that a stage uses."""

    prior: Q
    embeddings: Mapping[str, Tensor]

    @property
    def path(self) -> Path:
        """The prior's path: alpha(t) and sigma(t)."""
        return self.prior.path

    @property
    def process(self) -> Process:
        """The prior's path, and what its estimates predict."""
        return self.prior.process

    @property
    def device(self) -> str:
        """Name of the prior's device."""
        return self.prior.device

    def timesteps(self, settings: Timed) -> Sequence[float]:
        """The settings' timesteps on the prior's path, descending."""
        return settings.timesteps(self.path)

    def states(self, prompts: Sequence[str]) -> Tensor:
        """The prompts' token states `[len(prompts), 77, C]`."""
        return torch.stack([self.embeddings[prompt] for prompt in prompts]).to(self.device)

    def conditional(self, prompts: Sequence[str]) -> Estimator:
        """Estimator under one prompt for each row, without guidance."""
        return conditional(self.prior, self.states(prompts))

    def guided(self, settings: Guiding, prompts: Sequence[str]) -> Estimator:
        """Guided estimator under one prompt for each row."""
        unconditional = self.states([settings.unconditional])[0]
        return guided(
            self.prior,
            self.states(prompts),
            unconditional,
            settings.guidance_scale,
            self.between(settings),
        )

    def guide(self, settings: Guiding, estimator: Estimator, count: int) -> Estimator:
        """Guidance of an estimator of `count` rows that combines conditional ones (hybrid, factorized)."""
        unconditional = self.conditional([settings.unconditional] * count)
        return guide(estimator, unconditional, settings.guidance_scale, self.between(settings))

    def between(self, settings: Guiding) -> tuple[float, float]:
        """First and last timestep with guidance."""
        return between(settings.guidance_interval, self.path)

    def noise(self, generators: Sequence[torch.Generator]) -> Tensor:
        """Pure noise `[B, 3, S, S]`, row b from generators[b]."""
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
        """`fundiff.sampling.loop.denoise` with the step of the settings and a progress bar."""
        step = self.prior.step(settings.step)
        steps = denoise(x, estimator, timesteps, step, generators, constraint, enter, self.path.renoise)
        yield from progress(steps, "denoising", len(timesteps) - 1)


def open_bench(prompts: Sequence[str], manifest: str | pathlib.Path = "data/model.json") -> Bench[PixelPrior]:
    """The bench of the prior that the manifest of stage `model` names, with these prompts.

    Prompts are encoded before the UNet is loaded, so that the two are never in memory together.
    """
    model, runtime = load_pinned(manifest), prepare_runtime()
    embeddings = embed(model, runtime, prompts)
    return Bench(load_pixel_prior(model, runtime), embeddings)


def open_flow_bench(prompts: Sequence[str]) -> Bench[FlowPrior]:
    """The bench of the same prior on the linear path, for the course's flow form."""
    bench = open_bench(prompts)
    return Bench(FlowPrior(bench.prior), bench.embeddings)


def entry(level: int, timesteps: Sequence[float]) -> int:
    """The level (the course's i_start) itself. Raises UserError if it is not an index of `timesteps`."""
    if not 0 <= level < len(timesteps):
        raise UserError(f"params.yaml: level {level} is out of range; expected 0 to {len(timesteps) - 1}")
    return level
