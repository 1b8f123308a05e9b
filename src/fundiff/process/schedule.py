from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor


@dataclass(frozen=True)
class Schedule:
    """`alphas_cumprod` (abar_t) `[T]` for t = 0..T-1; t = -1 stands for the clean image, abar = 1."""

    alphas_cumprod: Tensor

    @classmethod
    def linear(cls, timesteps: int, beta_start: float, beta_end: float) -> Self:
        """beta linear from start to end (Ho et al. 2020; course Part B: T = 300, 1e-4 to 0.02)."""
        betas = torch.linspace(beta_start, beta_end, timesteps, dtype=torch.float64)
        return cls(torch.cumprod(1 - betas, 0).float())

    @classmethod
    def of(cls, scheduler) -> Self:
        """The schedule of a diffusers scheduler."""
        return cls(scheduler.alphas_cumprod.float())

    def __len__(self) -> int:
        return len(self.alphas_cumprod)

    def abar(self, t: int | Tensor, like: Tensor) -> Tensor:
        """abar_t as `[B, 1, 1, 1]` (or a scalar tensor for an int t) on the device of `like`."""
        t = torch.as_tensor(t)
        values = torch.where(t < 0, 1.0, self.alphas_cumprod[t.clamp(min=0)]).to(like.device)
        return values.reshape(-1, *[1] * (like.ndim - 1)) if values.ndim else values

    def forward(self, x0: Tensor, t: int | Tensor, eps: Tensor) -> Tensor:
        """x_t = sqrt(abar_t) x_0 + sqrt(1 - abar_t) eps, t an int or `[B]` (course A1.1; Ho et al. eq. 4)."""
        abar = self.abar(t, x0)
        return abar.sqrt() * x0 + (1 - abar).sqrt() * eps

    def x0(self, x_t: Tensor, t: int | Tensor, eps: Tensor) -> Tensor:
        """x_0 = (x_t - sqrt(1 - abar_t) eps) / sqrt(abar_t), the one-step estimate (course A1.3)."""
        abar = self.abar(t, x_t)
        return (x_t - (1 - abar).sqrt() * eps) / abar.sqrt()

    def eps_of_v(self, x_t: Tensor, t: int | Tensor, v: Tensor) -> Tensor:
        """eps = sqrt(abar_t) v + sqrt(1 - abar_t) x_t (Salimans & Ho 2022, appendix D)."""
        abar = self.abar(t, x_t)
        return abar.sqrt() * v + (1 - abar).sqrt() * x_t

    def beta(self, t: int, t_prev: int, like: Tensor) -> Tensor:
        """beta of the step from t to t_prev: 1 - abar_t / abar_t' (course A1.4)."""
        return 1 - self.abar(t, like) / self.abar(t_prev, like)

    def learned_range_variance(self, v: Tensor, t: int, t_prev: int) -> Tensor:
        """Variance from the model's v in [-1, 1], between the posterior's and beta (Nichol & Dhariwal eq. 15)."""
        beta = self.beta(t, t_prev, v)
        posterior = beta * (1 - self.abar(t_prev, v)) / (1 - self.abar(t, v))
        weight = (v + 1) / 2
        return (weight * beta.log() + (1 - weight) * posterior.clamp(min=1e-20).log()).exp()
