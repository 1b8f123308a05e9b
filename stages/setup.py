from pydantic import Field

from fundiff.figures import grid
from fundiff.randomness import generator
from stages._part_a import Bench, Guidance, LoopParams, aligned, folder, keep_numbers, keep_single, run_stage, shown, wrapped

STAGE = "setup"


class Params(LoopParams, Guidance):
    prompts: list[str] = Field(min_length=1)
    num_inference_steps: list[int] = Field(min_length=1, description="each a row of the figure")


def main(params: Params) -> None:
    bench = Bench()
    estimator = bench.guided(params, params.prompts)
    rows, numbers = [], {}
    for steps in params.num_inference_steps:
        generators = [generator(params.seed, "sample", i) for i in range(len(params.prompts))]
        *_, last = bench.denoise(params, bench.noise(generators), estimator, bench.prior.spaced(steps), generators)
        rows.append(list(shown(last)))
        judged = aligned(last, params.prompts)
        numbers[f"{steps}_steps"] = {key: judged.numbers(i) for i, key in enumerate(params.prompts)}
        for key, image in zip(params.prompts, last, strict=True):
            keep_single(STAGE, f"{key}_{steps:03d}_steps", image)
    words = [wrapped(bench.prompts.text(key)) for key in params.prompts]
    labels = [f"{steps} steps" for steps in params.num_inference_steps]
    grid(folder(STAGE) / f"{STAGE}.png", rows, labels, words, panel=1.8)
    keep_numbers(STAGE, {"alignment": numbers})


if __name__ == "__main__":
    run_stage(STAGE, Params, main)
