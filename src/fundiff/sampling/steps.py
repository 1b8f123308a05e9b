"""One step from t to t_prev. A step is a function (x_t, t, t_prev, eps, variance, noise) -> x at t_prev."""

from collections.abc import Callable
from typing import Any

from torch import Tensor

from fundiff.process.schedule import Schedule

Step = Callable[[Tensor, int, int, Tensor, Tensor | None, Tensor], Tensor]


def posterior(
    schedule: Schedule, x_t: Tensor, x0: Tensor, t: int, t_prev: int, variance: Tensor | None, noise: Tensor
) -> Tensor:
    """A draw of x at t_prev given x_t and x0 (course A1.4; Ho et al. eq. 7); variance None is beta."""
    abar, abar_prev = schedule.abar(t, x_t), schedule.abar(t_prev, x_t)
    alpha = abar / abar_prev
    beta = 1 - alpha
    mean = abar_prev.sqrt() * beta / (1 - abar) * x0 + alpha.sqrt() * (1 - abar_prev) / (1 - abar) * x_t
    if t_prev < 0:
        return mean
    return mean + (beta if variance is None else variance).sqrt() * noise


def ancestral(schedule: Schedule) -> Step:
    """The course's step with x0 unclipped and the variance as given (A1.4; Ho et al. eq. 7)."""

    def step(x_t: Tensor, t: int, t_prev: int, eps: Tensor, variance: Tensor | None, noise: Tensor) -> Tensor:
        return posterior(schedule, x_t, schedule.x0(x_t, t, eps), t, t_prev, variance, noise)

    return step


def ddim(schedule: Schedule) -> Step:
    """The deterministic step of DDIM (Song et al. 2021, eq. 12 with sigma 0); for few, long steps."""

    def step(x_t: Tensor, t: int, t_prev: int, eps: Tensor, variance: Tensor | None, noise: Tensor) -> Tensor:
        return schedule.forward(schedule.x0(x_t, t, eps), t_prev, eps)

    return step


def course(schedule: Schedule, within: Callable[[Tensor], Tensor] = lambda x0: x0) -> Step:
    """The course's step for a prior that learned its variance: v in [-1, 1] is that at the current t (A1.4).

    `within` may bound the estimate of x0. A t_prev above t goes back into the noise (RePaint's resampling).
    """

    def step(x_t: Tensor, t: int, t_prev: int, eps: Tensor, v: Tensor | None, noise: Tensor) -> Tensor:
        if t_prev > t:
            kept = schedule.abar(t_prev, x_t) / schedule.abar(t, x_t)
            return kept.sqrt() * x_t + (1 - kept).sqrt() * noise
        x0 = within(schedule.x0(x_t, t, eps))
        variance = None if v is None else schedule.learned_range_variance(v, t, t_prev)
        return posterior(schedule, x_t, x0, t, t_prev, variance, noise)

    return step


def scheduler(schedule: Schedule, diffusers_scheduler: Any) -> Step:
    """DDPMScheduler's own step: the course's, with the scheduler's clipping or thresholding of x0."""
    config = diffusers_scheduler.config

    def within(x0: Tensor) -> Tensor:
        if config.thresholding:
            return diffusers_scheduler._threshold_sample(x0)
        return x0.clamp(-config.clip_sample_range, config.clip_sample_range) if config.clip_sample else x0

    return course(schedule, within)
