"""The three stages of visual anagrams: every anagram in each of its views, an animation of the turn, and scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator
from torch import Tensor

from fundiff.critic.scoring import load_scorer
from fundiff.pictures.grids import tile
from fundiff.pictures.outs import Outs, unit, wrapped
from fundiff.pipeline.noise import generator, sample_generators
from fundiff.pipeline.params import Named, Section
from fundiff.pipeline.runtime import prepare_runtime
from fundiff.prior.hub import load_pinned
from fundiff.prior.stage_ii import StageII, enlarged, load_stage_ii
from fundiff.techniques.anagrams import Reading, draw_anagram
from fundiff.techniques.bench import Bench, open_bench
from fundiff.techniques.settings import FlowGuided, Guided
from fundiff.views.registry import view_named


class PromptedView(Section):
    """One reading of an anagram: a view and what it shows."""

    view: str = Field(
        description='a name of fundiff.views.registry.VIEWS, "one then another", or a .npy permutation'
    )
    prompt: str
    weight: float = Field(default=1.0, gt=0)


class Anagrams(Section):
    """The anagrams of a stage, and how many samples of each are drawn."""

    anagrams: Named[Annotated[list[PromptedView], Field(min_length=2)]] = Field(
        description="name -> its readings"
    )
    samples: int = Field(ge=1, description="samples of each anagram; the critic's best one is shown")
    turning: int = Field(ge=2, le=200, description="frames of one turn in the animation")


class AnagramParams(Guided, Anagrams):
    """Params of a stage of anagrams in the diffusion form."""

    reduction: Literal["mean", "sum", "alternate"] = "mean"

    @model_validator(mode="after")
    def whole(self) -> Self:
        """With reduction sum the weights must sum to 1, or the sum is not a noise estimate."""
        for name, parts in self.anagrams.items():
            total = sum(part.weight for part in parts)
            if self.reduction == "sum" and abs(total - 1) > 1e-6:
                raise ValueError(f"weights of {name!r} that sum to 1, not {total:g}, with reduction: sum")
        return self


class FlowAnagramParams(FlowGuided, Anagrams):
    """Params of a stage of anagrams in the flow form."""


def large(
    bench: Bench,
    params: AnagramParams,
    second: StageII,
    name: str,
    readings: Sequence[Reading],
    image: Tensor,
) -> Tensor:
    """The anagram `[3, S, S]` at four times its size, by stage II in all its views."""
    told = [(view, bench.states([prompt]), weight) for view, prompt, weight in readings]
    unconditional = bench.states([params.unconditional])[0]
    generators = [generator(params.seed, name, "large")]
    return enlarged(second, image[None], told, unconditional, generators, params.reduction)[0]


def turning(
    image: Tensor, readings: Sequence[Reading], count: int
) -> tuple[list[np.ndarray], list[str], str]:
    """Frames of a picture `[1, 3, S, S]` that turns from the first reading into each other one and back.

    count: frames of one turn. Also returns the label of each frame, and what they all show.
    """
    rest, (first, *others) = 6, [f"{view.label}: {prompt}" for view, prompt, _ in readings]
    frames, labels = [], []
    for (view, _, _), there in zip(readings[1:], others, strict=True):
        for i in [0] * rest + [*range(1, count), *[count] * rest, *range(count - 1, -1, -1)]:
            frames.append(tile(unit(view.turned(image, i / count)), 1, scale=4))
            labels.append(first if i == 0 else there if i == count else "turning")
    return frames, labels, "; ".join([first, *others])


def draw_anagrams(
    outs: Outs,
    bench: Bench,
    params: AnagramParams | FlowAnagramParams,
    reduction: str = "mean",
    enlarge: Callable[[str, Sequence[Reading], Tensor], Tensor] | None = None,
) -> None:
    """Sample every anagram, choose the best sample, and write it in each of its views; `enlarge` makes a large one."""
    scorer = load_scorer()
    rows, words, numbers = [], [], {}
    for name, parts in params.anagrams.items():
        readings = [(view_named(part.view), part.prompt, part.weight) for part in parts]
        generators = sample_generators(params.seed, params.samples, name)
        drawn = draw_anagram(bench, params, readings, generators, reduction)
        seen = [
            (part.view, view.view(drawn), part.prompt)
            for (view, _, _), part in zip(readings, parts, strict=True)
        ]
        chosen, numbers[name] = scorer.best_reading(seen, params.seed)
        rows.append([x[chosen] for _, x, _ in seen])
        words.append([f"{wrapped(view.label)}:\n{wrapped(prompt)}" for view, prompt, _ in readings])
        outs.single(name, drawn[chosen])
        if enlarge:
            outs.single(f"{name}_large", enlarge(name, readings, drawn[chosen]))
        outs.film(name, *turning(drawn[chosen][None], readings, params.turning), hold=600)
    outs.grid(rows, captions=words, panel=1.9)
    outs.numbers(numbers)


def prompts_of(params: Anagrams) -> list[str]:
    """The prompts of all anagrams, in order."""
    return [part.prompt for parts in params.anagrams.values() for part in parts]


def anagram_stage(stage: str, params: AnagramParams) -> None:
    """The work of a stage of anagrams in the diffusion form; with a second stage, each anagram also four times as large."""
    outs, bench = Outs(stage), open_bench([*prompts_of(params), params.unconditional])
    second = load_stage_ii(load_pinned("data/model.json"), prepare_runtime())
    enlarge = partial(large, bench, params, second) if second else None
    draw_anagrams(outs, bench, params, params.reduction, enlarge)
