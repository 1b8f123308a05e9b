from typing import Annotated, Any, Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor

from fundiff.pictures.grids import grid
from fundiff.pipeline.errors import UserError
from fundiff.pipeline.noise import generator, sample_generators
from fundiff.pipeline.params import Named, Section
from fundiff.sampling.components import KINDS
from fundiff.sampling.constraints import keep_component
from fundiff.sampling.estimators import Component, factorized
from fundiff.techniques.bench import (
    Bench,
    GuidedParams,
    best_reading,
    folder,
    keep_numbers,
    keep_single,
    run_stage,
    shown,
    wrapped,
)
from fundiff.views.registry import afar

STAGE = "factorized_images"


Sigma = Annotated[float, Field(ge=0.01, le=1000)]


class Part(Section):
    prompt: str | None = None
    image: str | None = None

    @model_validator(mode="after")
    def one(self):
        """What the component shows, or whose it is."""
        if (self.prompt is None) == (self.image is None):
            raise ValueError("exactly one of prompt, image")
        return self


class Factorized(Section):
    kind: Literal["bands", "colour", "motion"]
    sigmas: list[Sigma] = Field(
        default=[2.0], min_length=1, description="of bands: n cuts make n + 1 bands, low first"
    )
    length: int = Field(default=9, ge=2, description="of motion, in pixels")
    parts: list[Part] = Field(min_length=2, description="one a component; an image's component is kept")

    @property
    def components(self) -> list[Component]:
        """The components in the order of the parts."""
        arguments: dict[str, Any] = {"bands": {"sigmas": self.sigmas}, "motion": {"length": self.length}}
        return KINDS[self.kind](**arguments.get(self.kind, {}))

    @model_validator(mode="after")
    def matched(self):
        """A part for each component, at most one of them an image's, at least one drawn."""
        if len(self.parts) != len(self.components):
            raise ValueError(f"{len(self.components)} parts for these components")
        if sum(part.image is not None for part in self.parts) > 1:
            raise ValueError("at most one part with an image")
        return self


class Params(GuidedParams):
    images: Named[Factorized]
    samples: int = Field(ge=1, description="drawn of each; the one whose components read best is shown")


def draw(bench: Bench, params: Params, name: str, wanted: Factorized) -> Tensor:
    """All samples `[N, 3, S, S]` of one picture. Raises UserError for a motion that is longer than the picture."""
    if wanted.length > bench.prior.size:
        limit = f"is {wanted.length}; expected at most the model's {bench.prior.size}"
        raise UserError(f"params.yaml: factorized_images.images.{name}.length {limit}")
    count, constraint = params.samples, None
    prompts = [part.prompt for part in wanted.parts if part.prompt]
    estimators, kept = [], None
    for component, part in zip(wanted.components, wanted.parts, strict=True):
        # An image's component is put back after each step; what is drawn in its place does not matter.
        estimators.append((component, bench.conditional([part.prompt or prompts[0]] * count)))
        kept = (component, part.image) if part.image else kept
    if kept:
        original = bench.picture(kept[1]).expand(count, -1, -1, -1)
        known = [generator(params.seed, name, "known", i) for i in range(count)]
        constraint = keep_component(original, kept[0], bench.prior.schedule, known, params.timesteps[-1])
    generators = sample_generators(params.seed, count, name)
    estimator = bench.guide(params, factorized(estimators), count)
    start = bench.noise(generators)
    *_, last = bench.denoise(params, start, estimator, params.timesteps, generators, constraint)
    return last


def readings(drawn: Tensor, wanted: Factorized) -> list[tuple[str, Tensor, str]]:
    """Each prompted component as an eye sees it: all components up to its own, for low ones show from afar."""
    seen, total = [], torch.zeros_like(drawn)
    for i, (component, part) in enumerate(zip(wanted.components, wanted.parts, strict=True), 1):
        total = total + component(drawn)
        if part.prompt:
            seen.append((f"component {i}", total, part.prompt))
    return seen


def main(params: Params) -> None:
    bench = Bench()
    rows, words, numbers = [], [], {}
    for name, wanted in params.images.items():
        drawn = draw(bench, params, name, wanted)
        chosen, numbers[name] = best_reading(readings(drawn, wanted), params.seed)
        image, components = drawn[chosen], wanted.components
        partial = torch.stack([c(image[None])[0] for c in components]).cumsum(0)[:-1]
        rows.append([shown(image), *(shown(x) for x in partial), shown(afar(image, 0.3))])
        texts = [bench.prompts.text(p.prompt) if p.prompt else f"as in {p.image}" for p in wanted.parts]
        below = [wrapped(f"{i + 1}: {text}", 20) for i, text in enumerate(texts[:-1])]
        words.append([wrapped(f"the whole: {texts[-1]}", 20), *below, "from afar"])
        keep_single(STAGE, name, image)
    grid(folder(STAGE) / f"{STAGE}.png", rows, list(params.images), captions=words, panel=1.7)
    keep_numbers(STAGE, numbers)


if __name__ == "__main__":
    run_stage(STAGE, Params, main)
