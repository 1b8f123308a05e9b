"""One step from t to t_prev. A step is a function (x_t, t, t_prev, eps, variance, noise) -> x at t_prev."""

from collections.abc import Callable

from torch import Tensor

from fundiff.schedule import Schedule

Step = Callable[[Tensor, int, int, Tensor, Tensor | None, Tensor], Tensor]


def ancestral(schedule: Schedule) -> Step:
    """The course's step (A1.4; Ho et al. eq. 7), x0 unclipped; variance None is the fixed large one, beta."""

    def step(x_t: Tensor, t: int, t_prev: int, eps: Tensor, variance: Tensor | None, noise: Tensor) -> Tensor:
        abar, abar_prev = schedule.abar(t, x_t), schedule.abar(t_prev, x_t)
        alpha = abar / abar_prev
        beta = 1 - alpha
        x0 = schedule.x0(x_t, t, eps)
        mean = abar_prev.sqrt() * beta / (1 - abar) * x0 + alpha.sqrt() * (1 - abar_prev) / (1 - abar) * x_t
        if t_prev < 0:
            return mean
        return mean + (beta if variance is None else variance).sqrt() * noise

    return step


def ddim(schedule: Schedule) -> Step:
    """The deterministic step of DDIM (Song et al. 2021, eq. 12 with sigma 0); for few, long steps."""

    def step(x_t: Tensor, t: int, t_prev: int, eps: Tensor, variance: Tensor | None, noise: Tensor) -> Tensor:
        return schedule.forward(schedule.x0(x_t, t, eps), t_prev, eps)

    return step


STEPS = {"ddpm": ancestral, "ddim": ddim}
