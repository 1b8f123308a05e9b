from pydantic import Field, PositiveInt

from fundiff.critic.scoring import load_scorer
from fundiff.pictures.names import slugs
from fundiff.pictures.outs import Outs, wrapped
from fundiff.pipeline.noise import sample_generators
from fundiff.pipeline.runtime import prepare_runtime
from fundiff.pipeline.stage import run
from fundiff.prior.hub import load_pinned
from fundiff.prior.stage_ii import enlarged, load_stage_ii
from fundiff.sampling.loop import last
from fundiff.techniques.bench import open_bench
from fundiff.techniques.generation import generated
from fundiff.techniques.settings import Guidance, Loop
from fundiff.views.rigid import View


class Params(Loop, Guidance):
    prompts: list[str] = Field(min_length=1)
    num_inference_steps: list[PositiveInt] = Field(
        min_length=1, description="numbers of sampling steps; each is a row of the figure"
    )


def main(params: Params) -> None:
    outs, names = Outs("setup"), slugs(params.prompts)
    bench, scorer = open_bench([*params.prompts, params.unconditional]), load_scorer()
    estimator, count = bench.guided(params, params.prompts), len(params.prompts)
    rows, numbers, starts = {}, {}, {}
    for steps in params.num_inference_steps:
        timesteps = bench.prior.spaced(steps)
        pictures = last(generated(bench, params, estimator, timesteps, count))
        rows[f"{steps} steps"] = pictures
        scores = scorer.aligned(pictures, params.prompts)
        starts[f"{steps}_steps"] = timesteps[0]
        numbers[f"{steps}_steps"] = {prompt: scores.numbers(i) for i, prompt in enumerate(params.prompts)}
        for prompt, image in zip(params.prompts, pictures, strict=True):
            outs.single(f"{names[prompt]}_{steps:03d}_steps", image)
    if second := load_stage_ii(load_pinned("data/model.json"), prepare_runtime()):
        readings = [(View(), bench.states(params.prompts), 1.0)]
        unconditional, generators = (
            bench.states([params.unconditional])[0],
            sample_generators(params.seed, count, "large"),
        )
        large = enlarged(second, pictures, readings, unconditional, generators)
        rows[f"{large.shape[-1]} pixels"] = large
        for prompt, image in zip(params.prompts, large, strict=True):
            outs.single(f"{names[prompt]}_{steps:03d}_steps_large", image)
    words = [wrapped(prompt) for prompt in params.prompts]
    outs.grid(list(rows.values()), row_labels=list(rows), column_labels=words, panel=1.8)
    outs.numbers({"alignment": numbers, "first_timestep": starts})


if __name__ == "__main__":
    run("setup", Params, main)
