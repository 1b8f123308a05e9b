from pydantic import Field, NonNegativeFloat
from torch import Tensor

from fundiff.critic.scoring import Scorer, load_scorer
from fundiff.pictures.outs import Outs, quoted
from fundiff.pipeline.stage import run
from fundiff.techniques.bench import open_bench
from fundiff.techniques.generation import guided_samples, look
from fundiff.techniques.settings import Guided


class Params(Guided):
    prompt: str
    count: int = Field(ge=1, le=64)
    sweep: list[NonNegativeFloat] = Field(description="further scales for comparison, from the same noise")
    negative_prompts: list[str] = Field(description="prompts to use in place of `unconditional`")


def negative(outs: Outs, scorer: Scorer, params: Params, guided: Tensor, away: dict[str, Tensor]) -> dict:
    """Write a row of samples for each negative prompt; return their alignment with it, before and after."""
    labels = ["no negative", *(f"not: {prompt}" for prompt in away)]
    columns = [f"sample {i + 1}" for i in range(params.count)]
    outs.grid([guided, *away.values()], "negative", row_labels=labels, column_labels=columns, panel=1.2)
    return {
        prompt: {
            when: float(scorer.aligned(x, [prompt] * params.count).own.mean())
            for when, x in (("before", guided), ("after", led))
        }
        for prompt, led in away.items()
    }


def main(params: Params) -> None:
    outs, scorer = Outs("guidance"), load_scorer()
    bench = open_bench([params.prompt, params.unconditional, *params.negative_prompts])
    asked = bench, params, params.prompt, params.count
    frames = guided_samples(*asked)
    guided, labels = frames[-1], [f"sample {i + 1}" for i in range(params.count)]
    others = sorted({*params.sweep} - {params.guidance_scale})
    swept = {g: guided_samples(*asked, guidance_scale=g)[-1] for g in others} | {
        params.guidance_scale: guided
    }
    swept = dict(sorted(swept.items()))
    away = {text: guided_samples(*asked, unconditional=text)[-1] for text in params.negative_prompts}
    times = [f"t = {t}" for t in bench.timesteps(params)]
    outs.animation(
        frames, params.count, times, f"{quoted(params.prompt)}, guidance {params.guidance_scale:g}"
    )
    outs.grid([guided], row_labels=[f"γ = {params.guidance_scale:g}"], column_labels=labels, panel=1.6)
    rows = [f"γ = {scale:g}" for scale in swept]
    outs.grid(list(swept.values()), "sweep", row_labels=rows, column_labels=labels, panel=1.2)
    for i, image in enumerate(guided):
        outs.single(f"{i + 1}", image)
    prompts = [params.prompt] * params.count
    numbers = {f"{g:g}": look(x) | {"alignment": scorer.aligned(x, prompts).mean()} for g, x in swept.items()}
    outs.numbers({"guidance": numbers, "negative": negative(outs, scorer, params, guided, away)})


if __name__ == "__main__":
    run("guidance", Params, main)
