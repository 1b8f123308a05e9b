"""Sampling of digits: the loop of fundiff.sampling from pure noise, without a constraint."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import torch
from torch import Tensor

from fundiff.pipeline.errors import UserError
from fundiff.pipeline.noise import randn
from fundiff.pipeline.runtime import Runtime
from fundiff.process.paths import Linear
from fundiff.process.predictions import EpsPrediction, Process
from fundiff.sampling.estimate import Estimate, Estimator
from fundiff.sampling.loop import denoise, strided
from fundiff.sampling.steps import SAMPLERS, Step, euler


def samplers(process: Process) -> dict[str, Callable[[Sequence[float]], Step]]:
    """Samplers for a process by name, the default first; each makes the step of one denoising along given timesteps."""
    path = process.path
    if isinstance(path, Linear):
        return {"euler": lambda timesteps: euler(path)}
    names = [name for name in SAMPLERS if name != "dpm_solver" or isinstance(process, EpsPrediction)]
    return {name: partial(SAMPLERS[name], process) for name in names}


def deterministic(process: Process) -> str:
    """Name of the first-order sampler without noise: euler for flow matching, else ddim."""
    return "euler" if isinstance(process.path, Linear) else "ddim"


def times(process: Process, steps: int) -> list[str]:
    """Labels of the t that `sample` has reached after each of its `steps` steps; the last one is 0, the digit."""
    return [f"t = {t + 1}" for t in strided(len(process.path), steps)[1:]]


def sample(
    estimator: Estimator,
    process: Process,
    generators: Sequence[torch.Generator],
    runtime: Runtime,
    steps: int,
    sampler: str | None = None,
) -> Iterator[Tensor]:
    """Yield `[B, 1, 28, 28]` after each of `steps` evenly spaced steps from pure noise; row b takes generators[b].

    sampler: a name of `samplers(process)`, None for the first. Raises UserError for another, or for more steps than T.
    """
    if steps > len(process.path):
        raise UserError(f"params.yaml: steps is {steps}; the network was trained on {len(process.path)}")
    known = samplers(process)
    if sampler not in (None, *known):
        raise UserError(
            f"sampler is {sampler}; what the network was trained for is sampled by {', '.join(known)}"
        )
    timesteps = strided(len(process.path), steps)
    step = known[sampler or next(iter(known))](timesteps)
    x = randn(generators, (1, 28, 28), runtime.device)

    def estimate(x_t: Tensor, t: float) -> Estimate:
        # Autocast ends with the call: around a `yield` it would also hold for the caller.
        with runtime.autocast():
            return estimator(x_t, t)

    yield from denoise(x, estimate, timesteps, step, generators)
