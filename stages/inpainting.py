import torch
from pydantic import Field
from torch import Tensor

from fundiff.pictures.grids import grid
from fundiff.pictures.masks import Mask, load_mask, seam
from fundiff.pipeline.noise import generator
from fundiff.pipeline.params import Named, Section
from fundiff.sampling.constraints import back_and_forth, keep
from fundiff.techniques.bench import (
    Bench,
    GuidedParams,
    aligned,
    animate,
    folder,
    keep_numbers,
    keep_single,
    run_stage,
    shown,
    wrapped,
)

STAGE = "inpainting"


class Example(Section):
    image: str
    prompt: str
    mask: Mask


class Resample(Section):
    length: int = Field(ge=1, description="steps of a jump back")
    times: int = Field(ge=1, description="passes over each jump's steps; 1 is the course's plain rule alone")


class Params(GuidedParams):
    examples: Named[Example]
    resample: Resample


def inpaint(
    bench: Bench, params: Params, originals: Tensor, masks: Tensor, times: int
) -> tuple[list[Tensor], int]:
    """Every frame `[B, 3, S, S]` of the examples' denoising, and the UNet calls it took."""
    generators = [generator(params.seed, "sample", name) for name in params.examples]
    known = [generator(params.seed, "known", name) for name in params.examples]
    constraint = keep(originals, masks, bench.prior.schedule, known, params.timesteps[-1])
    path = back_and_forth(params.timesteps, params.resample.length, times)
    calls = len(path) - 1
    print(
        f"{STAGE}: {calls} UNet calls, {times} passes over every {params.resample.length} steps", flush=True
    )
    estimator = bench.guided(params, [example.prompt for example in params.examples.values()])
    start = bench.noise(generators)
    return [start, *bench.denoise(params, start, estimator, path, generators, constraint)], calls


def pictures(bench: Bench, params: Params) -> tuple[Tensor, Tensor]:
    """The originals `[B, 3, S, S]` and the masks `[B, 1, S, S]`."""
    examples = params.examples.values()
    originals = torch.stack([bench.picture(example.image) for example in examples])
    masks = [load_mask(example.mask, bench.prior.size) for example in examples]
    return originals, torch.stack(masks).to(originals)


def main(params: Params) -> None:
    bench, numbers = Bench(), {}
    originals, masks = pictures(bench, params)
    passes = {"plain": 1, "resampled": params.resample.times} if params.resample.times > 1 else {"plain": 1}
    runs = {name: inpaint(bench, params, originals, masks, times) for name, times in passes.items()}
    frames = list(runs.values())[-1][0]
    prompts = [example.prompt for example in params.examples.values()]
    judged = aligned(frames[-1], prompts)
    rows, words = [], []
    for i, name in enumerate(params.examples):
        original, mask = originals[i], masks[i]
        results = {run: seen[-1][i] for run, (seen, _) in runs.items()}
        plates = [original, mask.expand(3, -1, -1) * 2 - 1, original * (1 - mask), *results.values()]
        rows.append([shown(plate) for plate in plates])
        words.append([""] * (len(plates) - 1) + [wrapped(bench.prompts.text(prompts[i]))])
        keep_single(STAGE, name, frames[-1][i])
        keep_single(STAGE, f"{name}_original", original)
        numbers[name] = {
            "known_error": float(((frames[-1][i] - original) * (1 - mask)).abs().max()),
            "seam": {run: seam(result, mask) for run, result in results.items()},
            "seam_of_original": seam(original, mask),
            "alignment": judged.numbers(i),
        }
    calls = {run: count for run, (_, count) in runs.items()}
    titles = ["original", "mask", "to fill", *(f"{run}, {count} calls" for run, count in calls.items())]
    grid(folder(STAGE) / f"{STAGE}.png", rows, column_labels=titles, captions=words, panel=1.6)
    animate(STAGE, frames, len(params.examples), scale=3)
    keep_numbers(STAGE, numbers | {"unet_calls": calls})


if __name__ == "__main__":
    run_stage(STAGE, Params, main)
