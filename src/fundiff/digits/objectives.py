"""Losses of the Part B networks: on a training batch, and on held-out digits with fixed noise."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fundiff.digits.data import Digits
from fundiff.pipeline.noise import generator
from fundiff.process.predictions import Process

# (model, images, labels, generator, rows) -> scalar. Noise is drawn for the whole batch, then the loss is computed for
# `rows` alone. So processes that share a batch train on the same noise as a single process.
Loss = Callable[[nn.Module, Tensor, Tensor, torch.Generator, slice], Tensor]
ALL = slice(None)


def add_noise(x: Tensor, sigma: float, g: torch.Generator) -> Tensor:
    """z = x + sigma eps (course B1.2)."""
    return x + sigma * torch.randn(x.shape, generator=g).to(x.device)


def single_step(sigma: float, signal: float = 1.0) -> Loss:
    """Mean squared error of model(z) to x, z = signal x + sigma eps (course B1; signal 0: pure noise, Fall 2025)."""

    def loss(model: nn.Module, x: Tensor, labels: Tensor, g: torch.Generator, rows: slice = ALL) -> Tensor:
        z = add_noise(signal * x, sigma, g)
        return F.mse_loss(model(z[rows]).float(), x[rows])

    return loss


def prediction(process: Process, classes: int = 0, drop: float = 0.0) -> Loss:
    """Mean squared error to the target of `process` at a uniform t; the class is dropped with p `drop` (course B2)."""

    def loss(model: nn.Module, x: Tensor, labels: Tensor, g: torch.Generator, rows: slice = ALL) -> Tensor:
        t = process.path.draw(len(x), g)
        given = (torch.rand(len(x), 1, generator=g) >= drop).float().to(x.device)
        eps = torch.randn(x.shape, generator=g).to(x.device)
        c = (F.one_hot(labels, classes).float() * given)[rows] if classes else None
        x, t, eps = x[rows], t[rows], eps[rows]
        return F.mse_loss(predicted(model, process, x, t, eps, c).float(), process.target(x, t, eps))

    return loss


def predicted(
    model: nn.Module, process: Process, x: Tensor, t: Tensor, eps: Tensor, c: Tensor | None
) -> Tensor:
    """The model's prediction for x_t of x `[B, 1, 28, 28]`, t `[B]`, eps as x, c one-hot `[B, classes]` or None."""
    time = process.path.time(t).unsqueeze(1).to(x.device)
    return model(process.path.forward(x, t, eps), time, c)


def held_out_single_step(
    digits: Digits, sigma: float, seed: int, signal: float = 1.0
) -> Callable[[nn.Module], float]:
    """The loss of `single_step` on all held-out digits with fixed noise: model -> loss."""
    loss = single_step(sigma, signal)

    def validate(model: nn.Module) -> float:
        g = generator(seed, "validation")
        parts = digits.images.split(500)
        values = [loss(model, x, digits.labels, g, ALL).item() * len(x) for x in parts]
        return sum(values) / len(digits)

    return validate


def held_out_prediction(
    digits: Digits, process: Process, classes: int, seed: int
) -> Callable[[nn.Module], float]:
    """The loss of `prediction` on all held-out digits: fixed noise, one t from each of N equal strata, no class dropped."""
    n, g = len(digits), generator(seed, "validation")
    t = process.path.at((torch.randperm(n, generator=g) + 0.5) * len(process.path) / n)
    eps = torch.randn(digits.images.shape, generator=g).to(digits.images.device)
    c = F.one_hot(digits.labels, classes).float() if classes else None

    def validate(model: nn.Module) -> float:
        total = 0.0
        for rows in torch.arange(n).split(500):
            x, c_rows = digits.images[rows], c[rows] if c is not None else None
            answer = predicted(model, process, x, t[rows], eps[rows], c_rows)
            total += F.mse_loss(answer.float(), process.target(x, t[rows], eps[rows]), reduction="sum").item()
        return total / eps.numel()

    return validate
