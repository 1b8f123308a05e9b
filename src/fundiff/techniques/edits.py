"""The three stages of SDEdit: every picture from every level, with its distance to the original and its alignment."""

from __future__ import annotations

import torch
from pydantic import Field

from fundiff.critic.scoring import load_scorer
from fundiff.pictures.outs import Outs
from fundiff.pictures.sources import load_picture
from fundiff.pipeline.noise import generator
from fundiff.techniques.bench import entry, open_bench
from fundiff.techniques.sdedit import distance, sdedit
from fundiff.techniques.settings import Guided, Levels


class EditParams(Guided):
    """Params of an SDEdit stage: pictures, one prompt, and several levels of noise."""

    prompt: str
    images: list[str] = Field(min_length=1)
    levels: Levels


def edit_stage(stage: str, params: EditParams) -> None:
    """Edit every picture from every level in one batch; write the figure, the single pictures and the numbers."""
    outs, bench = Outs(stage), open_bench([params.prompt, params.unconditional])
    timesteps = bench.timesteps(params)
    levels = sorted({entry(level, timesteps) for level in params.levels})
    jobs = [(level, name) for level in levels for name in params.images]
    originals = {
        name: load_picture("data/pictures", name, bench.prior.size).to(bench.device) for name in params.images
    }
    stacked, prompts = torch.stack([originals[name] for _, name in jobs]), [params.prompt] * len(jobs)
    generators = [generator(params.seed, "edit", name) for _, name in jobs]
    last = sdedit(bench, params, stacked, prompts, [level for level, _ in jobs], generators)
    edited, own = dict(zip(jobs, last, strict=True)), load_scorer().aligned(last, prompts).own
    for (level, name), image in edited.items():
        outs.single(f"{name}_level_{level:02d}", image)
    for name, picture in originals.items():
        outs.single(f"{name}_original", picture)
    labels = [*(f"level {level}\nt = {timesteps[level]}" for level in levels), "original"]
    rows = [[*(edited[level, name] for level in levels), originals[name]] for name in params.images]
    names = [name.replace("_", "\n") for name in params.images]
    outs.grid(rows, row_labels=names, column_labels=labels, panel=1.3)
    distances = {
        n: {level: distance(edited[level, n], originals[n]) for level in levels} for n in params.images
    }
    aligned = {n: {level: float(own[jobs.index((level, n))]) for level in levels} for n in params.images}
    outs.numbers({"prompt": params.prompt, "distance_per_level": distances, "alignment_per_level": aligned})
