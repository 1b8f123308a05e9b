from typing import Annotated

from pydantic import Field

from fundiff.critic.scoring import load_scorer
from fundiff.pictures.outs import Outs, wrapped
from fundiff.pipeline.noise import sample_generators
from fundiff.pipeline.params import Named
from fundiff.pipeline.stage import run
from fundiff.techniques.anagrams import draw_anagram
from fundiff.techniques.bench import open_flow_bench
from fundiff.techniques.illusions import PromptedView, turning
from fundiff.techniques.settings import FlowGuided
from fundiff.views.registry import view_named


class Params(FlowGuided):
    anagrams: Named[Annotated[list[PromptedView], Field(min_length=2)]]
    samples: int = Field(ge=1, description="samples of each; the critic's best one is shown")
    turning: int = Field(ge=2, le=200, description="frames of a turn in the animation")


def main(params: Params) -> None:
    prompts = [part.prompt for parts in params.anagrams.values() for part in parts]
    outs, bench, scorer = (
        Outs("flow_anagrams"),
        open_flow_bench([*prompts, params.unconditional]),
        load_scorer(),
    )
    rows, words, numbers = [], [], {}
    for name, parts in params.anagrams.items():
        readings = [(view_named(part.view), part.prompt, part.weight) for part in parts]
        drawn = draw_anagram(bench, params, readings, sample_generators(params.seed, params.samples, name))
        seen = [
            (part.view, view.view(drawn), prompt)
            for (view, prompt, _), part in zip(readings, parts, strict=True)
        ]
        chosen, numbers[name] = scorer.best_reading(seen, params.seed)
        rows.append([x[chosen] for _, x, _ in seen])
        words.append([f"{wrapped(view.label)}:\n{wrapped(prompt)}" for view, prompt, _ in readings])
        outs.single(name, drawn[chosen])
        outs.film(name, *turning(drawn[chosen][None], readings, params.turning), hold=600)
    outs.grid(rows, captions=words, panel=1.9)
    outs.numbers(numbers)


if __name__ == "__main__":
    run("flow_anagrams", Params, main)
