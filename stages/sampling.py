from pydantic import Field

from fundiff.pictures.grids import grid
from fundiff.pipeline.noise import sample_generators
from fundiff.sampling.estimators import conditional
from fundiff.techniques.bench import (
    Bench,
    CourseParams,
    aligned,
    animate,
    folder,
    keep_numbers,
    keep_single,
    look,
    run_stage,
    shown,
)

STAGE = "sampling"


class Params(CourseParams):
    prompt: str
    count: int = Field(ge=1, le=64)


def main(params: Params) -> None:
    bench = Bench()
    generators = sample_generators(params.seed, params.count)
    estimator = conditional(bench.prior, bench.states([params.prompt] * params.count))
    start = bench.noise(generators)
    frames = [start, *bench.denoise(params, start, estimator, params.timesteps, generators)]
    labels = [f"sample {i + 1}" for i in range(params.count)]
    grid(folder(STAGE) / f"{STAGE}.png", [list(shown(frames[-1]))], column_labels=labels, panel=1.6)
    animate(STAGE, frames, params.count, scale=3)
    for i, image in enumerate(frames[-1]):
        keep_single(STAGE, f"{i + 1}", image)
    keep_numbers(
        STAGE, look(frames[-1]) | {"alignment": aligned(frames[-1], [params.prompt] * params.count).mean()}
    )


if __name__ == "__main__":
    run_stage(STAGE, Params, main)
