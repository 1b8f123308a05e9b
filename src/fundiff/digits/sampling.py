"""Sampling of digits by the one loop: start from noise, an estimator, no constraint."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import torch
from torch import Tensor

from fundiff.pipeline.errors import UserError
from fundiff.pipeline.noise import randn
from fundiff.pipeline.runtime import Runtime
from fundiff.process.paths import EpsPrediction, Flow, Process, VPrediction
from fundiff.sampling.loop import Estimator, denoise, strided
from fundiff.sampling.solvers import SOLVERS
from fundiff.sampling.steps import Step, ancestral


def ddim_of_v(process: VPrediction) -> Step:
    """DDIM's step where the estimate is v; with nothing of the image left it needs no division by zero."""

    def step(x_t: Tensor, t: int, t_prev: int, v: Tensor, variance: Tensor | None, noise: Tensor) -> Tensor:
        return process.forward(process.x0(x_t, t, v), t_prev, process.eps_of_v(x_t, t, v))

    return step


def euler(flow: Flow) -> Step:
    """Euler's step along the direction that the network tells (course Part B, 2025)."""

    def step(x_t: Tensor, t: int, t_prev: int, u: Tensor, variance: Tensor | None, noise: Tensor) -> Tensor:
        return x_t + (flow.time(t_prev) - flow.time(t)) * u

    return step


def samplers(process: Process) -> dict[str, Callable[[Sequence[int]], Step]]:
    """The steps that suit a process, each for one denoising along the given timesteps; its usual one first."""
    if isinstance(process, Flow):
        return {"euler": lambda timesteps: euler(process)}
    if isinstance(process, VPrediction):
        return {
            "ancestral": lambda timesteps: ancestral(process),
            "ddim": lambda timesteps: ddim_of_v(process),
        }
    if isinstance(process, EpsPrediction):
        return {name: partial(solver, process) for name, solver in SOLVERS.items()}
    raise TypeError(f"no sampler is known for {type(process).__name__}")


def deterministic(process: Process) -> str:
    """The first-order sampler of a process that draws no noise on the way."""
    return "euler" if isinstance(process, Flow) else "ddim"


def sample(
    estimator: Estimator,
    process: Process,
    generators: Sequence[torch.Generator],
    runtime: Runtime,
    steps: int,
    sampler: str | None = None,
) -> Iterator[Tensor]:
    """Yield `[B, 1, 28, 28]` after each of `steps` evenly spaced steps from pure noise; row b from generators[b].

    sampler: one of `samplers(process)`, None for its usual one. Raises UserError for another, or too many steps.
    """
    if steps > len(process):
        raise UserError(f"params.yaml: steps is {steps}; the network was trained on {len(process)}")
    known = samplers(process)
    if sampler not in (None, *known):
        raise UserError(
            f"sampler is {sampler}; what the network was trained for is sampled by {', '.join(known)}"
        )
    timesteps = strided(len(process), steps)
    step = known[sampler or next(iter(known))](timesteps)
    x = randn(generators, (1, 28, 28), runtime.device)
    with runtime.autocast():
        yield from denoise(x, estimator, timesteps, step, generators)


def quantised(images: Tensor) -> Tensor:
    """Images as a file would hold them: clamped to [0, 1] and rounded to 256 levels."""
    return images.float().clamp(0, 1).mul(255).round().div(255)
