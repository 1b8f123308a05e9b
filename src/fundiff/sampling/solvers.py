"""Steps of faster samplers, each of the kind that `denoise` takes: the same picture with fewer UNet calls."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from fundiff.process.schedule import Schedule
from fundiff.sampling.steps import Step, course, ddim


def dpm_solver(schedule: Schedule, timesteps: Sequence[int]) -> Step:
    """DPM-Solver++(2M), deterministic (Lu et al. 2022), by diffusers' own scheduler.

    It remembers its last step, so it serves one denoising along `timesteps`, all rows from the start.
    """
    from diffusers import DPMSolverMultistepScheduler

    alphas_cumprod = schedule.alphas_cumprod.double()
    betas = 1 - alphas_cumprod / torch.cat([torch.ones(1, dtype=torch.float64), alphas_cumprod[:-1]])
    solver = DPMSolverMultistepScheduler(
        num_train_timesteps=len(schedule),
        trained_betas=betas.numpy(),
        algorithm_type="dpmsolver++",
        solver_order=2,
        final_sigmas_type="zero",
    )
    solver.set_timesteps(timesteps=[t for t in timesteps if t >= 0])

    def step(x_t: Tensor, t: int, t_prev: int, eps: Tensor, variance: Tensor | None, noise: Tensor) -> Tensor:
        return solver.step(eps, t, x_t, return_dict=False)[0]

    return step


SOLVERS: dict[str, Callable[[Schedule, Sequence[int]], Step]] = {
    "ancestral": lambda schedule, timesteps: course(schedule),
    "ddim": lambda schedule, timesteps: ddim(schedule),
    "dpm_solver": dpm_solver,
}
