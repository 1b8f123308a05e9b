from pydantic import Field, NonNegativeFloat
from torch import Tensor

from fundiff.pictures.grids import grid
from fundiff.pipeline.noise import sample_generators
from fundiff.techniques.bench import (
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
    sweep: list[NonNegativeFloat] = Field(description="more scales to see beside it, from the same noise")
    negative_prompts: list[str] = Field(description="to lead away from in the place of `unconditional`")


def draw(bench: Bench, params: Params, scale: float) -> list[Tensor]:
    """Every frame `[count, 3, S, S]` of the samples' denoising at a guidance scale."""
    generators = sample_generators(params.seed, params.count)
    estimator = bench.guided(params, [params.prompt] * params.count, scale)
    start = bench.noise(generators)
    return [start, *bench.denoise(params, start, estimator, params.timesteps, generators)]


def negative(bench: Bench, params: Params, guided: Tensor) -> dict[str, dict[str, float]]:
    """Draw the samples away from each negative prompt; how much of it the critic sees in them, and saw before."""
    rows, numbers = [guided], {}
    for key in params.negative_prompts:
        away = draw(bench, params.model_copy(update={"unconditional": key}), params.guidance_scale)[-1]
        seen = [float(aligned(x, [key] * params.count).own.mean()) for x in (guided, away)]
        numbers[key] = dict(zip(("before", "after"), seen, strict=True))
        rows.append(away)
    labels = ["no negative", *(f"not: {key}".replace("_", " ") for key in params.negative_prompts)]
    path = folder(STAGE) / "negative.png"
    grid(
        path,
        [list(shown(x)) for x in rows],
        labels,
        [f"sample {i + 1}" for i in range(params.count)],
        panel=1.2,
    )
    return numbers


def main(params: Params) -> None:
    bench, keys = Bench(), [params.prompt] * params.count
    results = {}
    for scale in sorted({*params.sweep, params.guidance_scale}):
        frames = draw(bench, params, scale)
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
    keep_numbers(STAGE, {"guidance": numbers, "negative": negative(bench, params, guided)})


if __name__ == "__main__":
    run_stage(STAGE, Params, main)
