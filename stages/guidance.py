from pydantic import Field

from fundiff.figures import grid
from fundiff.randomness import sample_generators
from stages._part_a import (
    Bench,
    GuidedParams,
    aligned,
    animate,
    folder,
    keep_numbers,
    keep_single,
    look,
    run_stage,
    shown,
)

STAGE = "guidance"


class Params(GuidedParams):
    prompt: str
    count: int = Field(ge=1, le=64)
    sweep: list[float] = Field(description="more scales to see beside it, from the same noise")


def main(params: Params) -> None:
    bench = Bench()
    scales = sorted({*params.sweep, params.guidance_scale})
    results, keys = {}, [params.prompt] * params.count
    for scale in scales:
        generators = sample_generators(params.seed, params.count)
        start = bench.noise(generators)
        estimator = bench.guided(params, keys, scale)
        frames = [start, *bench.denoise(params, start, estimator, params.timesteps, generators)]
        results[scale] = frames[-1]
        if scale == params.guidance_scale:
            animate(STAGE, frames, params.count, scale=3)
    guided = results[params.guidance_scale]
    labels = [f"sample {i + 1}" for i in range(params.count)]
    name = f"g = {params.guidance_scale:g}"
    grid(folder(STAGE) / f"{STAGE}.png", [list(shown(guided))], [name], labels, panel=1.6)
    rows = [list(shown(x)) for x in results.values()]
    grid(folder(STAGE) / "sweep.png", rows, [f"g = {scale:g}" for scale in results], labels, panel=1.2)
    for i, image in enumerate(guided):
        keep_single(STAGE, f"{i + 1}", image)
    numbers = {f"{g:g}": look(x) | {"alignment": aligned(x, keys).mean()} for g, x in results.items()}
    keep_numbers(STAGE, {"guidance": numbers})


if __name__ == "__main__":
    run_stage(STAGE, Params, main)
