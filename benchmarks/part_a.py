"""Part A's techniques by FunDiff: the functions of fundiff.techniques with the stages' params."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from benchmarks.sections import Inpainted, Sampled, params_of
from benchmarks.turn import Play, Turn, timed
from fundiff.pictures.masks import load_mask
from fundiff.pictures.sources import load_picture
from fundiff.pipeline.noise import generator, sample_generators
from fundiff.sampling.constraints import back_and_forth
from fundiff.sampling.loop import last
from fundiff.techniques.anagrams import draw_anagram
from fundiff.techniques.bench import open_bench
from fundiff.techniques.edits import EditParams
from fundiff.techniques.generation import generated
from fundiff.techniques.illusions import AnagramParams
from fundiff.techniques.inpainting import inpaint
from fundiff.techniques.sdedit import sdedit
from fundiff.views.registry import view_named

WARM = 2  # steps of a warm-up


def shortened(params: Any, steps: int) -> Any:
    """The params with a stride so long that a denoising takes about `steps` steps."""
    return params.model_copy(update={"stride": 999 // (steps + 1)})


def played(work: Callable[[Any], Any], params: Any, device: str, **details: Any) -> Play:
    """Seconds of `work` with the stage's params, after a short warm-up."""
    work(shortened(params, WARM))

    def play(rival: Turn | None) -> Turn:
        return Turn(timed(lambda: work(params), device)[0], details)

    return play


def pictures(names: list[str], device: str) -> Tensor:
    """Fetched pictures `[B, 3, S, S]` in [-1, 1]."""
    return torch.stack([load_picture("data/pictures", name) for name in names]).to(device)


def prior_sample() -> Play:
    """One guided sample of 33 steps."""
    params = params_of(Sampled, "guidance")
    bench = open_bench([params.prompt, params.unconditional])

    def work(p: Any) -> Tensor:
        return last(generated(bench, p, bench.guided(p, [p.prompt]), bench.timesteps(p), 1))

    return played(work, params, bench.device)


def jobs(params: Any) -> list[tuple[int, str]]:
    """(level, picture) of all edits of an SDEdit stage, the most noise first."""
    return [(level, name) for level in sorted(params.levels) for name in params.images]


def sdedit_list() -> Play:
    """Every picture from every level of stage sdedit, in one batch."""
    params = params_of(EditParams, "sdedit")
    bench, runs = open_bench([params.prompt, params.unconditional]), jobs(params)
    originals = pictures([name for _, name in runs], bench.device)

    def edit(p: Any) -> Tensor:
        # The warm-up's list of timesteps is too short for the levels.
        levels = [min(level, len(bench.timesteps(p)) - 1) for level, _ in runs]
        generators = [generator(p.seed, "edit", name) for _, name in runs]
        return sdedit(bench, p, originals, [p.prompt] * len(runs), levels, generators)

    return played(edit, params, bench.device, runs=len(runs))


def anagram() -> Play:
    """One sample of the stage's first anagram."""
    params = params_of(AnagramParams, "visual_anagrams")
    name, parts = next(iter(params.anagrams.items()))
    bench = open_bench([*(part.prompt for part in parts), params.unconditional])
    readings = [(view_named(part.view), part.prompt, part.weight) for part in parts]

    def work(p: Any) -> Tensor:
        return draw_anagram(bench, p, readings, sample_generators(p.seed, 1, name), p.reduction)

    return played(work, params, bench.device)


def inpaint_jumps() -> Play:
    """All examples of the stage inpainting with RePaint's jumps, in one batch."""
    params = params_of(Inpainted, "inpainting")
    examples, prompts = params.examples, [example.prompt for example in params.examples.values()]
    bench = open_bench([*prompts, params.unconditional])
    originals = pictures([example.image for example in examples.values()], bench.device)
    masks = torch.stack([load_mask(e.mask, bench.prior.size) for e in examples.values()]).to(originals)

    def fill(p: Any) -> Tensor:
        path = back_and_forth(bench.timesteps(p), p.resample.length, p.resample.times)
        own, known = ([generator(p.seed, what, name) for name in examples] for what in ("sample", "known"))
        return last(inpaint(bench, p, originals, masks, prompts, path, own, known))

    return played(fill, params, bench.device, pictures=len(originals))
