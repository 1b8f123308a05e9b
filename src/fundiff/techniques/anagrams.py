"""Visual anagrams (Geng et al. 2024): one picture, several views, a prompt for each."""

from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator
from torch import Tensor
from torch.nn.functional import interpolate

from fundiff.pictures.grids import gif, grid, tile
from fundiff.pipeline.noise import generator, sample_generators
from fundiff.pipeline.params import Named, Section
from fundiff.prior.upscaling import FACTOR, enlarged
from fundiff.sampling.estimators import anagram
from fundiff.techniques.bench import (
    Bench,
    GuidedParams,
    best_reading,
    folder,
    keep_numbers,
    keep_single,
    shown,
    wrapped,
)
from fundiff.views.registry import view_named
from fundiff.views.rigid import View


class Part(Section):
    view: str = Field(
        description='a name of fundiff.views.registry.VIEWS, "one then another", or a .npy permutation'
    )
    prompt: str
    weight: float = Field(default=1.0, gt=0)


class AnagramParams(GuidedParams):
    anagrams: Named[Annotated[list[Part], Field(min_length=2)]] = Field(
        description="name: the views and what each shows"
    )
    reduction: Literal["mean", "sum", "alternate"] = "mean"
    samples: int = Field(ge=1, description="drawn of each; the one that reads best in all its views is shown")
    turning: int = Field(ge=2, le=200, description="frames of a turn in the animation")

    @model_validator(mode="after")
    def whole(self) -> Self:
        """A sum of estimates is an estimate only where the weights sum to 1."""
        for name, parts in self.anagrams.items():
            total = sum(part.weight for part in parts)
            if self.reduction == "sum" and abs(total - 1) > 1e-6:
                raise ValueError(f"weights of {name!r} that sum to 1, not {total:g}, with reduction: sum")
        return self


def draw(bench: Bench, params: AnagramParams, name: str, parts: list[Part]) -> Tensor:
    """All samples `[N, 3, S, S]` of one anagram."""
    views = [view_named(part.view) for part in parts]
    estimators = [bench.guided(params, [part.prompt] * params.samples) for part in parts]
    weighted = list(zip(views, estimators, [part.weight for part in parts], strict=True))
    estimator = anagram(weighted, params.reduction, params.timesteps)
    generators = sample_generators(params.seed, params.samples, name)
    *_, last = bench.denoise(params, bench.noise(generators), estimator, params.timesteps, generators)
    return last


def large(bench: Bench, params: AnagramParams, name: str, parts: list[Part], image: Tensor) -> Tensor:
    """The anagram `[1, 3, S, S]` at four times its size, `[3, 4S, 4S]`: by stage II through all its views, or resized."""
    if not bench.model.stage_ii:
        return interpolate(image, scale_factor=FACTOR, mode="bicubic").clamp(-1, 1)[0]
    readings = [(view_named(part.view), bench.states([part.prompt])) for part in parts]
    unconditional = bench.states([params.unconditional])[0]
    generators = [generator(params.seed, name, "large")]
    return enlarged(bench.model, bench.runtime, image, readings, unconditional, generators)[0]


def turning(image: Tensor, views: list[View], count: int) -> list[np.ndarray]:
    """The frames of a picture `[1, 3, S, S]` that turns into each view and back, resting in both."""
    rest = 6
    shares = [0] * rest + [*range(count), *[count] * rest, *range(count, 0, -1)]
    return [tile(shown(view.turned(image, i / count)), 1, scale=4) for view in views for i in shares]


def anagrams(stage: str, params: AnagramParams) -> None:
    """Draw every anagram of the params, and show it in each of its views."""
    bench = Bench()
    rows, words, numbers = [], [], {}
    for name, parts in params.anagrams.items():
        views = [view_named(part.view) for part in parts]
        drawn = draw(bench, params, name, parts)
        seen = [(part.view, view.view(drawn), part.prompt) for view, part in zip(views, parts, strict=True)]
        chosen, numbers[name] = best_reading(seen, params.seed)
        rows.append([shown(x[chosen]) for _, x, _ in seen])
        texts = [wrapped(bench.prompts.text(part.prompt)) for part in parts]
        words.append([f"{wrapped(view.label)}:\n{text}" for view, text in zip(views, texts, strict=True)])
        keep_single(stage, name, drawn[chosen])
        keep_single(stage, f"{name}_large", large(bench, params, name, parts, drawn[chosen][None]))
        gif(folder(stage) / f"{name}.gif", turning(drawn[chosen][None], views[1:], params.turning), hold=60)
    grid(folder(stage) / f"{stage}.png", rows, captions=words, panel=1.9)
    keep_numbers(stage, numbers)
