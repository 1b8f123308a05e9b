import torch
from pydantic import Field

from fundiff.constraints import back_and_forth, keep
from fundiff.figures import grid
from fundiff.masks import Mask, load_mask, seam
from fundiff.params import Section
from fundiff.randomness import generator
from stages._part_a import (
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
    times: int = Field(ge=1, description="passes over each jump's steps; 1 is the course's plain list")


class Params(GuidedParams):
    examples: dict[str, Example] = Field(min_length=1)
    resample: Resample


def main(params: Params) -> None:
    bench = Bench()
    examples = params.examples.values()
    originals = torch.stack([bench.picture(example.image) for example in examples])
    masks = torch.stack([load_mask(example.mask, bench.prior.size) for example in examples]).to(originals)
    generators = [generator(params.seed, "sample", name) for name in params.examples]
    known = [generator(params.seed, "known", name) for name in params.examples]
    constraint = keep(originals, masks, bench.prior.schedule, known, params.timesteps[-1])
    path = back_and_forth(params.timesteps, params.resample.length, params.resample.times)
    estimator = bench.guided(params, [example.prompt for example in examples])
    start = bench.noise(generators)
    frames = [start, *bench.denoise(params, start, estimator, path, generators, constraint)]
    judged = aligned(frames[-1], [example.prompt for example in examples])
    rows, words, numbers = [], [], {}
    for i, (name, example) in enumerate(params.examples.items()):
        original, mask, result = originals[i], masks[i], frames[-1][i]
        rows.append(
            [shown(original), mask.expand(3, -1, -1).cpu(), shown(original * (1 - mask)), shown(result)]
        )
        words.append(["", "", "", wrapped(bench.prompts.text(example.prompt))])
        keep_single(STAGE, name, result)
        keep_single(STAGE, f"{name}_original", original)
        numbers[name] = {
            "known_error": float(((result - original) * (1 - mask)).abs().max()),
            "seam": seam(result, mask),
            "seam_of_original": seam(original, mask),
            "alignment": judged.numbers(i),
        }
    titles = ["original", "mask", "to fill", "inpainted"]
    grid(folder(STAGE) / f"{STAGE}.png", rows, column_labels=titles, captions=words, panel=1.6)
    animate(STAGE, frames, len(params.examples), scale=3)
    keep_numbers(STAGE, numbers)


if __name__ == "__main__":
    run_stage(STAGE, Params, main)
