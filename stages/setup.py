from pydantic import Field, PositiveInt

from fundiff.pictures.grids import grid
from fundiff.pipeline.noise import sample_generators
from fundiff.prior.upscaling import enlarged
from fundiff.techniques.bench import (
    Bench,
    Guidance,
    LoopParams,
    aligned,
    folder,
    keep_numbers,
    keep_single,
    run_stage,
    shown,
    wrapped,
)
from fundiff.views.rigid import View

STAGE = "setup"


class Params(LoopParams, Guidance):
    prompts: list[str] = Field(min_length=1)
    num_inference_steps: list[PositiveInt] = Field(min_length=1, description="each a row of the figure")


def main(params: Params) -> None:
    bench = Bench()
    estimator = bench.guided(params, params.prompts)
    rows, numbers = {}, {}
    for steps in params.num_inference_steps:
        generators = sample_generators(params.seed, len(params.prompts))
        start, timesteps = bench.noise(generators), bench.prior.spaced(steps)
        *_, last = bench.denoise(params, start, estimator, timesteps, generators)
        rows[f"{steps} steps"] = list(shown(last))
        judged = aligned(last, params.prompts)
        numbers[f"{steps}_steps"] = {key: judged.numbers(i) for i, key in enumerate(params.prompts)}
        for key, image in zip(params.prompts, last, strict=True):
            keep_single(STAGE, f"{key}_{steps:03d}_steps", image)
    if bench.model.stage_ii:
        states, unconditional = bench.states(params.prompts), bench.states([params.unconditional])[0]
        readings = [(View(), states)]
        large = enlarged(bench.model, bench.runtime, last, readings, unconditional, generators)
        rows[f"{large.shape[-1]} pixels"] = list(shown(large))
        for key, image in zip(params.prompts, large, strict=True):
            keep_single(STAGE, f"{key}_large", image)
    words = [wrapped(bench.prompts.text(key)) for key in params.prompts]
    grid(folder(STAGE) / f"{STAGE}.png", list(rows.values()), list(rows), words, panel=1.8)
    keep_numbers(STAGE, {"alignment": numbers})


if __name__ == "__main__":
    run_stage(STAGE, Params, main)
