"""Steps from t to t_prev < t: functions (x_t, t, t_prev, estimate, noise) -> x at t_prev."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from fundiff.process.paths import Linear, VariancePreserving
from fundiff.process.predictions import Process
from fundiff.sampling.estimate import Estimate

Step = Callable[[Tensor, float, float, Estimate, Tensor], Tensor]


def ancestral(
    process: Process[VariancePreserving], within: Callable[[Tensor], Tensor] = lambda x0: x0
) -> Step:
    """The course's step (A1.4, B2): a sample of x at t_prev given x_t and the estimated x_0 (Ho et al. 2020, eq. 7).

    within: a function that may bound the estimated x_0. The last step, to t_prev = -1, adds no noise.
    """
    path = process.path

    def step(x_t: Tensor, t: float, t_prev: float, estimate: Estimate, noise: Tensor) -> Tensor:
        x0 = within(process.x0(x_t, t, estimate.eps))
        abar, abar_prev = (path.abar(at).to(x_t.device) for at in (t, t_prev))
        alpha = abar / abar_prev
        beta = 1 - alpha
        mean = abar_prev.sqrt() * beta / (1 - abar) * x0 + alpha.sqrt() * (1 - abar_prev) / (1 - abar) * x_t
        if t_prev < 0:
            return mean
        v = estimate.v
        return mean + (beta if v is None else path.learned_range_variance(v, t, t_prev)).sqrt() * noise

    return step


def scheduler(process: Process[VariancePreserving], ddpm: Any) -> Step:
    """The step of diffusers' DDPMScheduler: `ancestral` with that scheduler's clipping or thresholding of x_0."""
    config = ddpm.config

    def within(x0: Tensor) -> Tensor:
        if config.thresholding:
            return ddpm._threshold_sample(x0)
        return x0.clamp(-config.clip_sample_range, config.clip_sample_range) if config.clip_sample else x0

    return ancestral(process, within)


def ddim(process: Process) -> Step:
    """The deterministic step of DDIM (Song et al. 2021, eq. 12 with sigma 0). On the linear path it equals Euler's."""

    def step(x_t: Tensor, t: float, t_prev: float, estimate: Estimate, noise: Tensor) -> Tensor:
        x0, eps = process.x0(x_t, t, estimate.eps), process.eps(x_t, t, estimate.eps)
        return process.path.forward(x0, t_prev, eps)

    return step


def euler(path: Linear) -> Step:
    """Euler's step along the straight line; the estimate holds the velocity (course Part B, 2025)."""

    def step(x_t: Tensor, t: float, t_prev: float, estimate: Estimate, noise: Tensor) -> Tensor:
        return x_t + (path.alpha(t_prev) - path.alpha(t)) * estimate.eps

    return step


def dpm_solver(process: Process[VariancePreserving], timesteps: Sequence[float]) -> Step:
    """DPM-Solver++(2M), deterministic (Lu et al. 2022), by diffusers' own scheduler; the estimate is the noise.

    It also uses the estimate of the step before. So each denoising needs its own solver, and all rows start together.
    """
    from diffusers import DPMSolverMultistepScheduler

    alphas_cumprod = process.path.alphas_cumprod.double()
    betas = 1 - alphas_cumprod / torch.cat([torch.ones(1, dtype=torch.float64), alphas_cumprod[:-1]])
    solver = DPMSolverMultistepScheduler(
        num_train_timesteps=len(process.path),
        trained_betas=betas.numpy(),
        algorithm_type="dpmsolver++",
        solver_order=2,
        final_sigmas_type="zero",
    )
    solver.set_timesteps(timesteps=[t for t in timesteps if t >= 0])

    def step(x_t: Tensor, t: float, t_prev: float, estimate: Estimate, noise: Tensor) -> Tensor:
        return solver.step(estimate.eps, t, x_t, return_dict=False)[0]

    return step


# Samplers of a process on the variance-preserving path: (process, timesteps) -> the step of one denoising.
SAMPLERS: dict[str, Callable[[Process[VariancePreserving], Sequence[float]], Step]] = {
    "ancestral": lambda process, timesteps: ancestral(process),
    "ddim": lambda process, timesteps: ddim(process),
    "dpm_solver": dpm_solver,
}
