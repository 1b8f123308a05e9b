import torch
from pydantic import Field

from fundiff.alignment import best
from fundiff.estimators import anagram
from fundiff.figures import gif, grid, tile
from fundiff.params import Section
from fundiff.randomness import sample_generators
from fundiff.views import view_named
from stages._part_a import Bench, GuidedParams, aligned, folder, keep_numbers, keep_single, run_stage, shown, wrapped

STAGE = "visual_anagrams"


class Part(Section):
    view: str
    prompt: str
    weight: float = Field(default=1.0, gt=0)


class Params(GuidedParams):
    anagrams: dict[str, list[Part]] = Field(min_length=1, description="name: the views and what each shows")
    samples: int = Field(ge=1, description="drawn of each; the one that reads best in all its views is shown")
    turning: int = Field(ge=2, description="frames of a turn in the animation")


def main(params: Params) -> None:
    bench = Bench()
    rows, words, numbers = [], [], {}
    for name, parts in params.anagrams.items():
        views = [view_named(part.view) for part in parts]
        estimators = [bench.guided(params, [part.prompt] * params.samples) for part in parts]
        weights = [part.weight for part in parts]
        generators = sample_generators(params.seed, params.samples, name)
        estimator = anagram(list(zip(views, estimators, weights, strict=True)))
        *_, last = bench.denoise(params, bench.noise(generators), estimator, params.timesteps, generators)
        read = [aligned(view.view(last), [part.prompt] * len(last)) for view, part in zip(views, parts, strict=True)]
        chosen = best(torch.stack([judged.margin for judged in read]))
        image = last[chosen : chosen + 1]
        numbers[name] = {part.view: judged.numbers(chosen) for part, judged in zip(parts, read, strict=True)}
        numbers[name] |= {"chosen": chosen, "of": params.samples}
        rows.append([shown(view.view(image)[0]) for view in views])
        words.append([f"{view.label}:\n{wrapped(bench.prompts.text(p.prompt))}" for view, p in zip(views, parts, strict=True)])
        keep_single(STAGE, name, image[0])
        there = [
            tile(shown(view.turned(image, i / params.turning)), 1, scale=4)
            for view in views[1:]
            for i in [0] * 6 + [*range(params.turning), *[params.turning] * 6, *range(params.turning, 0, -1)]
        ]
        gif(folder(STAGE) / f"{name}.gif", there, hold=60)
    grid(folder(STAGE) / f"{STAGE}.png", rows, captions=words, panel=1.9)
    keep_numbers(STAGE, numbers)


if __name__ == "__main__":
    run_stage(STAGE, Params, main)
