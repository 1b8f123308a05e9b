from typing import Annotated

from pydantic import Field

from fundiff.critic.scoring import load_scorer
from fundiff.pictures.outs import Outs
from fundiff.pipeline.stage import run
from fundiff.sampling.loop import last
from fundiff.techniques.bench import open_flow_bench
from fundiff.techniques.generation import generated, look
from fundiff.techniques.settings import FlowGuided


class Params(FlowGuided):
    prompt: str
    count: int = Field(ge=1, le=64)
    sweep: list[Annotated[float, Field(ge=-1)]] = Field(
        description="further w for comparison, from the same noise"
    )


def main(params: Params) -> None:
    outs, bench = Outs("flow_guidance"), open_flow_bench([params.prompt, params.unconditional])
    prompts, scorer, results = [params.prompt] * params.count, load_scorer(), {}
    for w in sorted({*params.sweep, params.w}):
        settings = params.model_copy(update={"w": w})
        estimator = bench.guided(settings, prompts)
        results[w] = last(generated(bench, settings, estimator, bench.timesteps(settings), params.count))
    rows = [f"w = {w:g}\n(γ = {w + 1:g})" for w in results]
    columns = [f"sample {i + 1}" for i in range(params.count)]
    outs.grid(list(results.values()), row_labels=rows, column_labels=columns, panel=1.5)
    for i, image in enumerate(results[params.w]):
        outs.single(f"{i + 1}", image)
    outs.numbers(
        {
            "w": {
                f"{w:g}": look(x) | {"gamma": w + 1, "alignment": scorer.aligned(x, prompts).mean()}
                for w, x in results.items()
            }
        }
    )


if __name__ == "__main__":
    run("flow_guidance", Params, main)
