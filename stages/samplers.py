from math import ceil
from typing import Annotated

from pydantic import Field
from torchvision.utils import make_grid

from fundiff.pictures.grids import grid
from fundiff.pipeline.noise import sample_generators
from fundiff.pipeline.params import Section
from fundiff.pipeline.progress import progress
from fundiff.sampling.loop import denoise, strided
from fundiff.sampling.solvers import SOLVERS
from fundiff.techniques.bench import Bench, Guidance, aligned, folder, keep_numbers, run_stage, shown

STAGE = "samplers"
FIRST = 990  # the course's first timestep; at 999 nothing of the picture is left to solve for


class Params(Section):
    seed: int
    guidance: Guidance
    prompts: list[str] = Field(min_length=1)
    samples: int = Field(ge=1, description="of each prompt")
    calls: list[Annotated[int, Field(ge=1, le=FIRST + 1)]] = Field(
        min_length=1, description="UNet calls, each a column of the figure"
    )


def main(params: Params) -> None:
    bench = Bench()
    keys = [key for key in params.prompts for _ in range(params.samples)]
    estimator = bench.guided(params.guidance, keys)
    rows, words, numbers = [], [], {}
    for name, solver in SOLVERS.items():
        results = {}
        for calls in sorted(params.calls):
            generators, timesteps = sample_generators(params.seed, len(keys)), strided(FIRST + 1, calls)
            step = solver(bench.prior.schedule, timesteps)
            steps = denoise(bench.noise(generators), estimator, timesteps, step, generators)
            *_, results[calls] = progress(steps, f"{name}, {calls} calls", calls)
        judged = {calls: aligned(images, keys) for calls, images in results.items()}
        numbers[name] = {
            f"{calls}_calls": one.mean() | {"own_prompt_std": float(one.own.std()) if len(keys) > 1 else 0.0}
            for calls, one in judged.items()
        }
        firsts = [shown(images[:: params.samples]) for images in results.values()]
        rows.append([make_grid(sheet, nrow=ceil(len(sheet) ** 0.5), pad_value=1) for sheet in firsts])
        words.append([f"{calls} calls" for calls in results])
    labels = [name.replace("_", "\n") for name in SOLVERS]
    grid(folder(STAGE) / f"{STAGE}.png", rows, labels, captions=words, panel=2.4)
    prompts = [bench.prompts.text(key) for key in params.prompts]
    keep_numbers(STAGE, {"alignment": numbers, "prompts": "; ".join(prompts)})


if __name__ == "__main__":
    run_stage(STAGE, Params, main)
