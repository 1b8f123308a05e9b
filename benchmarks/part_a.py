"""Part A's techniques by FunDiff: the stages' own code on their own params, without figures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from benchmarks.sections import params_of
from benchmarks.turn import Play, Turn, timed
from fundiff.pipeline.noise import generator
from fundiff.techniques.anagrams import draw
from fundiff.techniques.bench import Bench
from fundiff.techniques.sdedit import noised_to
from stages.guidance import draw as draw_guided
from stages.inpainting import inpaint, pictures

WARM = 2  # steps of a warm-up


def shortened(params: Any, steps: int) -> Any:
    """The params with so long a stride that the denoising takes but a few steps."""
    return params.model_copy(update={"stride": 999 // (steps + 1)})


def played(draw: Callable[[Any], Any], params: Any, device: str, **details: Any) -> Play:
    """Seconds of a drawing by the stage's params; warmed by a short one."""
    draw(shortened(params, WARM))

    def play(rival: Turn | None) -> Turn:
        return Turn(timed(lambda: draw(params), device)[0], details)

    return play


def prior_sample() -> Play:
    """One guided sample of 33 steps."""
    bench, params = Bench(), params_of("guidance").model_copy(update={"count": 1})
    return played(lambda p: draw_guided(bench, p, p.guidance_scale), params, bench.runtime.device)


def jobs(params: Any) -> list[tuple[int, str]]:
    """SDEdit's runs: (level, image), those with the most noise first."""
    return [(level, name) for level in sorted(params.levels) for name in params.images]


def sdedit_list() -> Play:
    """Every image at every level of the stage sdedit, in one batch that each joins at its timestep."""
    bench, params = Bench(), params_of("sdedit")
    runs = jobs(params)

    def edit(p: Any) -> Tensor:
        # The warm-up's list of timesteps is too short for the levels.
        levels = [min(level, len(p.timesteps) - 1) for level, _ in runs]
        generators = [generator(p.seed, "edit", name) for _, name in runs]
        originals = torch.stack([bench.picture(name) for _, name in runs])
        start = noised_to(bench, originals, [p.timesteps[level] for level in levels], generators)
        estimator = bench.guided(p, [p.prompt] * len(runs))
        return list(bench.denoise(p, start, estimator, p.timesteps, generators, enter=levels))[-1]

    return played(edit, params, bench.runtime.device, runs=len(runs))


def anagram() -> Play:
    """One sample of the stage's first anagram."""
    bench, params = Bench(), params_of("visual_anagrams").model_copy(update={"samples": 1})
    name, parts = next(iter(params.anagrams.items()))
    return played(lambda p: draw(bench, p, name, parts), params, bench.runtime.device)


def inpaint_jumps() -> Play:
    """All examples of the stage inpainting with RePaint's jumps, in one batch."""
    bench, params = Bench(), params_of("inpainting")
    originals, masks = pictures(bench, params)

    def fill(p: Any) -> Any:
        return inpaint(bench, p, originals, masks, p.resample.times)

    return played(fill, params, bench.runtime.device, pictures=len(originals))
