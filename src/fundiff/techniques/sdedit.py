"""SDEdit (Meng et al. 2022): pictures noised to a level and denoised from there; the course's A1.7."""

from collections.abc import Sequence

import torch
from pydantic import Field
from torch import Tensor

from fundiff.pictures.grids import grid
from fundiff.pipeline.noise import generator, randn
from fundiff.techniques.bench import (
    Bench,
    GuidedParams,
    aligned,
    entry,
    folder,
    keep_numbers,
    keep_single,
    shown,
)


class SdeditParams(GuidedParams):
    prompt: str
    images: list[str] = Field(min_length=1)
    levels: list[int] = Field(
        min_length=1, description="where in the timesteps to start: small is much noise"
    )


def noised_to(
    bench: Bench, originals: Tensor, entered: Sequence[int], generators: Sequence[torch.Generator]
) -> Tensor:
    """Pictures `[B, 3, S, S]` each with the noise of its own timestep: SDEdit's start."""
    noise = randn(generators, bench.shape, bench.runtime.device)
    return bench.prior.path.forward(originals, torch.tensor(entered), noise)


def sdedit(stage: str, params: SdeditParams) -> None:
    """Every picture at every level, all in one batch: a run joins it when its timestep comes."""
    bench = Bench()
    timesteps = params.timesteps
    levels = sorted({entry(level, timesteps) for level in params.levels})
    jobs = [(level, name) for level in levels for name in params.images]
    pictures = {name: bench.picture(name) for name in params.images}
    generators = [generator(params.seed, "edit", name) for _, name in jobs]
    originals = torch.stack([pictures[name] for _, name in jobs])
    start = noised_to(bench, originals, [timesteps[level] for level, _ in jobs], generators)
    estimator = bench.guided(params, [params.prompt] * len(jobs))
    *_, last = bench.denoise(
        params, start, estimator, timesteps, generators, enter=[level for level, _ in jobs]
    )
    edited = dict(zip(jobs, last, strict=True))
    for (level, name), image in edited.items():
        keep_single(stage, f"{name}_level_{level:02d}", image)
    for name, picture in pictures.items():
        keep_single(stage, f"{name}_original", picture)
    labels = [f"level {level}\nt = {timesteps[level]}" for level in levels]
    rows = [
        [shown(edited[level, name]) for level in levels] + [shown(pictures[name])] for name in params.images
    ]
    names = [name.replace("_", "\n") for name in params.images]
    grid(folder(stage) / f"{stage}.png", rows, names, [*labels, "original"], panel=1.3)
    distance = {
        name: {
            level: float((edited[level, name] - pictures[name]).square().mean().sqrt() / 2)
            for level in levels
        }
        for name in params.images
    }
    judged = aligned(last, [params.prompt] * len(jobs))
    own = {
        name: {level: float(judged.own[jobs.index((level, name))]) for level in levels}
        for name in params.images
    }
    words = bench.prompts.text(params.prompt)
    keep_numbers(stage, {"prompt": words, "distance_per_level": distance, "alignment_per_level": own})
