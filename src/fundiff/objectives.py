"""What the Part B networks are trained for: the loss of a batch, and the held-out loss on fixed noise."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fundiff.digits import Digits
from fundiff.randomness import generator
from fundiff.schedule import Schedule

Loss = Callable[[nn.Module, Tensor, Tensor, torch.Generator], Tensor]


def noised(x: Tensor, sigma: float, g: torch.Generator) -> Tensor:
    """z = x + sigma eps (course B1.2)."""
    return x + sigma * torch.randn(x.shape, generator=g).to(x.device)


def single_step(sigma: float, signal: float = 1.0) -> Loss:
    """L2 from z = signal x + sigma eps to the clean image; signal 0 denoises pure noise (course Part B1, 2025)."""

    def loss(model: nn.Module, x: Tensor, labels: Tensor, g: torch.Generator) -> Tensor:
        return F.mse_loss(model(noised(signal * x, sigma, g)).float(), x)

    return loss


def noise_prediction(schedule: Schedule, classes: int = 0, drop: float = 0.0) -> Loss:
    """L2 from x_t to its noise, t uniform, the one-hot class dropped with p `drop` (course B2; Ho et al. eq. 14)."""

    def loss(model: nn.Module, x: Tensor, labels: Tensor, g: torch.Generator) -> Tensor:
        t = torch.randint(len(schedule), (len(x),), generator=g)
        keep = (torch.rand(len(x), 1, generator=g) >= drop).float().to(x.device)
        eps = torch.randn(x.shape, generator=g).to(x.device)
        c = F.one_hot(labels, classes).float() * keep if classes else None
        return F.mse_loss(noise_estimate(model, schedule, x, t, eps, c).float(), eps)

    return loss


def noise_estimate(
    model: nn.Module, schedule: Schedule, x: Tensor, t: Tensor, eps: Tensor, c: Tensor | None
) -> Tensor:
    """The model's estimate of eps in x_t; t `[B]` in 0..T-1 is shown to it as (t + 1) / T."""
    time = ((t + 1) / len(schedule)).unsqueeze(1).to(x.device)
    return model(schedule.forward(x, t, eps), time, c)


def held_out_single_step(
    digits: Digits, sigma: float, seed: int, signal: float = 1.0
) -> Callable[[nn.Module], float]:
    """The same loss on fixed digits with fixed noise."""
    loss = single_step(sigma, signal)

    def validate(model: nn.Module) -> float:
        g = generator(seed, "validation")
        parts = digits.images.split(500)
        values = [loss(model, x, digits.labels, g).item() * len(x) for x in parts]
        return sum(values) / len(digits)

    return validate


def held_out_noise(
    digits: Digits, schedule: Schedule, classes: int, seed: int
) -> Callable[[nn.Module], float]:
    """The noise-prediction loss on fixed digits and noise, t in equal strata over the schedule, classes given."""
    n, g = len(digits), generator(seed, "validation")
    t = ((torch.randperm(n, generator=g) + 0.5) * len(schedule) / n).long()
    eps = torch.randn(digits.images.shape, generator=g).to(digits.images.device)
    c = F.one_hot(digits.labels, classes).float() if classes else None

    def validate(model: nn.Module) -> float:
        total = 0.0
        for rows in torch.arange(n).split(500):
            c_rows = c[rows] if c is not None else None
            estimate = noise_estimate(model, schedule, digits.images[rows], t[rows], eps[rows], c_rows)
            total += F.mse_loss(estimate.float(), eps[rows], reduction="sum").item()
        return total / eps.numel()

    return validate
