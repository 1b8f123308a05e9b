from pydantic import Field, NonNegativeFloat

from fundiff.critic.scoring import load_scorer
from fundiff.pictures.outs import Outs
from fundiff.pipeline.stage import run
from fundiff.techniques.bench import open_bench
from fundiff.techniques.generation import guided_samples, look
from fundiff.techniques.settings import Guided


class Params(Guided):
    prompt: str
    count: int = Field(ge=1, le=64)
    guidance_scales: list[NonNegativeFloat] = Field(min_length=1, description="all from the same noise")
    negative_prompts: list[str] = Field(description="used in place of `unconditional`, at `guidance_scale`")


def main(params: Params) -> None:
    outs, scorer = Outs("guidance_sweep"), load_scorer()
    bench = open_bench([params.prompt, params.unconditional, *params.negative_prompts])
    asked = bench, params, params.prompt, params.count
    labels, prompts = [f"sample {i + 1}" for i in range(params.count)], [params.prompt] * params.count
    scales = sorted({*params.guidance_scales, params.guidance_scale})
    swept = {g: guided_samples(*asked, guidance_scale=g)[-1] for g in scales}
    rows = [f"γ = {g:g}" for g in scales]
    outs.grid(list(swept.values()), row_labels=rows, column_labels=labels, panel=1.2)
    guided = swept[params.guidance_scale]
    away = {text: guided_samples(*asked, unconditional=text)[-1] for text in params.negative_prompts}
    rows = ["no negative", *(f"not: {text}" for text in away)]
    outs.grid([guided, *away.values()], "negative", row_labels=rows, column_labels=labels, panel=1.2)
    seen = {
        text: {
            when: float(scorer.aligned(samples, [text] * params.count).own.mean())
            for when, samples in (("before", guided), ("after", led))
        }
        for text, led in away.items()
    }
    numbers = {f"{g:g}": look(x) | {"alignment": scorer.aligned(x, prompts).mean()} for g, x in swept.items()}
    outs.numbers({"guidance": numbers, "negative": seen})


if __name__ == "__main__":
    run("guidance_sweep", Params, main)
