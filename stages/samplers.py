from math import ceil
from typing import Annotated

import torch
from pydantic import Field

from fundiff.critic.scoring import load_scorer
from fundiff.pictures.grids import grid, tile
from fundiff.pictures.names import sampler_label
from fundiff.pictures.outs import Outs, unit
from fundiff.pipeline.noise import sample_generators
from fundiff.pipeline.progress import progress
from fundiff.pipeline.stage import run
from fundiff.sampling.loop import denoise, last, strided
from fundiff.sampling.steps import SAMPLERS
from fundiff.techniques.bench import open_bench
from fundiff.techniques.settings import Guidance

FIRST = 990  # the course's first timestep; at 999 x_t is pure noise and does not determine x_0


class Params(Guidance):
    seed: int
    prompts: list[str] = Field(min_length=1)
    samples: int = Field(ge=1, description="samples of each prompt")
    calls: list[Annotated[int, Field(ge=1, le=FIRST + 1)]] = Field(
        min_length=1, description="numbers of UNet calls; each is a column of the figure"
    )


def main(params: Params) -> None:
    outs, scorer, bench = Outs("samplers"), load_scorer(), open_bench([*params.prompts, params.unconditional])
    prompts = [prompt for prompt in params.prompts for _ in range(params.samples)]
    estimator = bench.guided(params, prompts)
    rows, numbers = [], {}
    for name, sampler in SAMPLERS.items():
        results = {}
        for calls in sorted({*params.calls}):
            generators, timesteps = sample_generators(params.seed, len(prompts)), strided(FIRST + 1, calls)
            step = sampler(bench.prior.process, timesteps)
            steps = denoise(bench.noise(generators), estimator, timesteps, step, generators)
            results[calls] = last(progress(steps, f"{name}, {calls} calls", calls))
        scores = {calls: scorer.aligned(pictures, prompts) for calls, pictures in results.items()}
        numbers[name] = {
            f"{calls}_calls": one.mean()
            | {"own_prompt_std": float(one.own.std()) if len(prompts) > 1 else 0.0}
            for calls, one in scores.items()
        }
        firsts = [unit(pictures[:: params.samples]) for pictures in results.values()]
        sheets = [tile(first, ceil(len(first) ** 0.5), scale=1) for first in firsts]
        rows.append([torch.from_numpy(sheet).permute(2, 0, 1) / 255 for sheet in sheets])
    labels = [sampler_label(name) for name in SAMPLERS]
    columns = [f"{n} calls" for n in results]
    grid(outs.folder / "samplers.png", rows, labels, columns, panel=2.4)
    outs.numbers({"alignment": numbers, "prompts": "; ".join(params.prompts)})


if __name__ == "__main__":
    run("samplers", Params, main)
