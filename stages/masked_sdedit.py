import torch
from pydantic import Field

from fundiff.pictures.grids import grid
from fundiff.pictures.masks import Mask, load_mask
from fundiff.pipeline.noise import generator
from fundiff.pipeline.params import Named, Section
from fundiff.sampling.constraints import keep
from fundiff.techniques.bench import (
    Bench,
    GuidedParams,
    aligned,
    entry,
    folder,
    keep_numbers,
    keep_single,
    run_stage,
    shown,
    wrapped,
)
from fundiff.techniques.sdedit import noised_to

STAGE = "masked_sdedit"


class Example(Section):
    image: str
    prompt: str
    mask: Mask


class Params(GuidedParams):
    examples: Named[Example]
    levels: list[int] = Field(
        min_length=1, description="where in the timesteps to start: small is much noise"
    )


def main(params: Params) -> None:
    bench, timesteps = Bench(), params.timesteps
    levels = sorted({entry(level, timesteps) for level in params.levels})
    jobs = [(level, name) for level in levels for name in params.examples]
    examples = [params.examples[name] for _, name in jobs]
    originals = torch.stack([bench.picture(example.image) for example in examples])
    masks = torch.stack([load_mask(example.mask, bench.prior.size) for example in examples]).to(originals)
    generators = [generator(params.seed, "edit", name) for _, name in jobs]
    known = [generator(params.seed, "known", name, level) for level, name in jobs]
    start = noised_to(bench, originals, [timesteps[level] for level, _ in jobs], generators)
    estimator = bench.guided(params, [example.prompt for example in examples])
    constraint = keep(originals, masks, bench.prior.schedule, known, timesteps[-1])
    *_, last = bench.denoise(
        params, start, estimator, timesteps, generators, constraint, enter=[level for level, _ in jobs]
    )
    # A start at the last timestep takes no step, after which the constraint could act.
    last = masks * last + (1 - masks) * originals
    judged = aligned(last, [example.prompt for example in examples])
    numbers: dict[str, dict] = {
        name: {"known_error": 0.0, "alignment_per_level": {}} for name in params.examples
    }
    for i, (level, name) in enumerate(jobs):
        error = float(((last[i] - originals[i]) * (1 - masks[i])).abs().max())
        numbers[name]["known_error"] = max(numbers[name]["known_error"], error)
        numbers[name]["alignment_per_level"][level] = float(judged.own[i])
        keep_single(STAGE, f"{name}_level_{level:02d}", last[i])
    rows, words = [], []
    for name, example in params.examples.items():
        edited = [shown(last[i]) for i, (_, job) in enumerate(jobs) if job == name]
        original = shown(bench.picture(example.image))
        rows.append([original, load_mask(example.mask, bench.prior.size).expand(3, -1, -1), *edited])
        words.append(["", "", wrapped(bench.prompts.text(example.prompt)), *[""] * (len(levels) - 1)])
    labels = ["original", "mask", *(f"level {level}, t {timesteps[level]}" for level in levels)]
    grid(folder(STAGE) / f"{STAGE}.png", rows, column_labels=labels, captions=words, panel=1.5)
    keep_numbers(STAGE, numbers)


if __name__ == "__main__":
    run_stage(STAGE, Params, main)
