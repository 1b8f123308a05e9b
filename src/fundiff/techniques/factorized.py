"""Factorized pictures (Geng et al. 2024): every component of a picture shows something else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor

from fundiff.pipeline.params import Section
from fundiff.sampling.components import KINDS
from fundiff.sampling.constraints import keep_component
from fundiff.sampling.estimators import Component, factorized
from fundiff.sampling.loop import last
from fundiff.techniques.bench import Bench
from fundiff.techniques.settings import GuidedDenoising

Sigma = Annotated[float, Field(ge=0.01, le=1000)]


class Part(Section):
    """What one component shows: a prompt, or the same component of a given picture."""

    prompt: str | None = None
    image: str | None = None

    @model_validator(mode="after")
    def one(self):
        """Either prompt or image is given."""
        if (self.prompt is None) == (self.image is None):
            raise ValueError("exactly one of prompt, image")
        return self


class Factorized(Section):
    """Params of one picture: its kind of components and what they show."""

    kind: Literal["bands", "colour", "motion"]
    sigmas: list[Sigma] = Field(
        default=[2.0],
        min_length=1,
        description="for bands: the cuts between them, in pixels; n cuts make n + 1 bands, low frequencies first",
    )
    length: int = Field(default=9, ge=2, description="for motion: how far it blurs, in pixels")
    parts: list[Part] = Field(
        min_length=2, description="one for each component; if it has an image, its component is kept"
    )

    @property
    def components(self) -> list[Component]:
        """The components, in the order of the parts."""
        arguments: dict[str, Any] = {"bands": {"sigmas": self.sigmas}, "motion": {"length": self.length}}
        return KINDS[self.kind](**arguments.get(self.kind, {}))

    @model_validator(mode="after")
    def matched(self):
        """One part for each component, at most one of them with an image."""
        if len(self.parts) != len(self.components):
            raise ValueError(f"{len(self.components)} parts for these components")
        if sum(part.image is not None for part in self.parts) > 1:
            raise ValueError("at most one part with an image")
        return self


def draw_factorized(
    bench: Bench,
    settings: GuidedDenoising,
    parts: Sequence[tuple[Component, str | Tensor]],
    generators: Sequence[torch.Generator],
    known: Sequence[torch.Generator],
) -> Tensor:
    """Sample pictures `[N, 3, S, S]` in [-1, 1] whose components show what the parts say; components sum to the picture.

    parts: (component, a prompt or a picture `[3, S, S]` whose component is kept). known: generators of the noise of the
    kept component.
    """
    count, constraint, estimators = len(generators), None, []
    some = next(what for _, what in parts if isinstance(what, str))
    for component, what in parts:
        if isinstance(what, Tensor):
            original = what.expand(count, -1, -1, -1)
            constraint = keep_component(original, component, bench.path, known, bench.timesteps(settings)[-1])
        # The constraint overwrites a kept component after each step, so any prompt will do for it.
        prompt = what if isinstance(what, str) else some
        estimators.append((component, bench.conditional([prompt] * count)))
    estimator = bench.guide(settings, factorized(estimators), count)
    start = bench.noise(generators)
    return last(bench.denoise(settings, start, estimator, bench.timesteps(settings), generators, constraint))


def partial_sums(x: Tensor, components: Sequence[Component]) -> list[Tensor]:
    """Sums of the first 1, 2, ... components of `[B, 3, S, S]`: what an eye sees at decreasing distances."""
    total, sums = torch.zeros_like(x), []
    for component in components:
        total = total + component(x)
        sums.append(total)
    return sums
