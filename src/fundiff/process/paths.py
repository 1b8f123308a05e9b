"""Paths from image to noise: x_t = alpha(t) x_0 + sigma(t) eps.

t runs from T - 1 (noise, alpha near 0) down to 0, and to -1 at the clean image (alpha 1, sigma 0).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Any, Self

import torch
from torch import Tensor


def along(values: Tensor, like: Tensor) -> Tensor:
    """Values of t, a scalar or `[B]`, reshaped to multiply `like` `[B, ...]`, and on its device."""
    values = values.to(like.device)
    return values.reshape(-1, *[1] * (like.ndim - 1)) if values.ndim else values


class Path(ABC):
    """alpha and sigma as functions of t, and formulas that use them. t is a number or `[B]`; images and noises `[B, C, H, W]`."""

    @abstractmethod
    def __len__(self) -> int:
        """T, the number of timesteps."""

    @abstractmethod
    def alpha(self, t: float | Tensor) -> Tensor:
        """The factor of the image, from 1 (clean) to 0 (noise), in the shape of t."""

    @abstractmethod
    def sigma(self, t: float | Tensor) -> Tensor:
        """The factor of the noise, from 0 (clean) to 1 (noise), in the shape of t."""

    @abstractmethod
    def velocity_of(self, x0: Tensor, t: float | Tensor, eps: Tensor) -> Tensor:
        """The direction of the path at t, in the shape of x0."""

    @abstractmethod
    def of_velocity(self, x_t: Tensor, t: float | Tensor, velocity: Tensor) -> tuple[Tensor, Tensor]:
        """(x_0, eps) from x_t and the direction of the path there. Unlike `x0_of` this also works at alpha = 0."""

    def snr(self, t: float | Tensor) -> Tensor:
        """The signal-to-noise ratio alpha^2 / sigma^2, in the shape of t."""
        return (self.alpha(t) / self.sigma(t)) ** 2

    def forward(self, x0: Tensor, t: float | Tensor, eps: Tensor) -> Tensor:
        """x_t = alpha x_0 + sigma eps (course A1.1; Ho et al. 2020, eq. 4)."""
        return along(self.alpha(t), x0) * x0 + along(self.sigma(t), x0) * eps

    def x0_of(self, x_t: Tensor, t: float | Tensor, eps: Tensor) -> Tensor:
        """x_0 = (x_t - sigma eps) / alpha, the one-step estimate (course A1.3); alpha must not be 0."""
        return (x_t - along(self.sigma(t), x_t) * eps) / along(self.alpha(t), x_t)

    def eps_of(self, x_t: Tensor, t: float | Tensor, x0: Tensor) -> Tensor:
        """eps = (x_t - alpha x_0) / sigma; sigma must not be 0."""
        return (x_t - along(self.alpha(t), x_t) * x0) / along(self.sigma(t), x_t)

    def renoise(self, x_t: Tensor, t: float, t_later: float, noise: Tensor) -> Tensor:
        """x at t_later > t, given x_t and new noise: a step back towards the noise (RePaint, Lugmayr et al. 2022)."""
        kept = self.alpha(t_later) / self.alpha(t)
        added = (self.sigma(t_later) ** 2 - (kept * self.sigma(t)) ** 2).clamp(min=0).sqrt()
        return kept.to(x_t.device) * x_t + added.to(x_t.device) * noise

    def time(self, t: float | Tensor) -> Tensor:
        """The value of t that Part B's networks take: (t + 1) / T, from nearly 0 at the image to 1 at noise (course B2)."""
        return (torch.as_tensor(t) + 1) / len(self)

    def draw(self, count: int, g: torch.Generator) -> Tensor:
        """Random t `[count]` for training, uniform and real-valued."""
        return self.at(torch.rand(count, generator=g) * len(self))

    def at(self, place: Tensor) -> Tensor:
        """t for places in [0, T), measured from the clean image."""
        return place - 1


class Circular(Path):
    """A path with alpha^2 + sigma^2 = 1."""

    def velocity_of(self, x0: Tensor, t: float | Tensor, eps: Tensor) -> Tensor:
        """v = alpha eps - sigma x_0, the derivative with respect to the angle arctan(sigma / alpha) (Salimans & Ho 2022)."""
        return along(self.alpha(t), x0) * eps - along(self.sigma(t), x0) * x0

    def of_velocity(self, x_t: Tensor, t: float | Tensor, velocity: Tensor) -> tuple[Tensor, Tensor]:
        """x_0 = alpha x_t - sigma v, eps = alpha v + sigma x_t (Salimans & Ho 2022, appendix D)."""
        alpha, sigma = along(self.alpha(t), x_t), along(self.sigma(t), x_t)
        return alpha * x_t - sigma * velocity, alpha * velocity + sigma * x_t


@dataclass(frozen=True, eq=False)
class VariancePreserving(Circular):
    """alpha^2 = abar_t, sigma^2 = 1 - abar_t (Ho et al. 2020). `alphas_cumprod` (abar) `[T]` for t = 0..T-1."""

    alphas_cumprod: Tensor

    @classmethod
    def linear_betas(cls, timesteps: int, beta_start: float, beta_end: float) -> Self:
        """beta linear from start to end (Ho et al. 2020; course Part B: T = 300, 1e-4 to 0.02)."""
        betas = torch.linspace(beta_start, beta_end, timesteps, dtype=torch.float64)
        return cls(torch.cumprod(1 - betas, 0).float())

    @classmethod
    def of(cls, scheduler: Any) -> Self:
        """The path of a diffusers scheduler, from its `alphas_cumprod`."""
        return cls(scheduler.alphas_cumprod.float())

    def zero_terminal_snr(self) -> Self:
        """This path with sqrt(abar) shifted and scaled so that abar is 0 at T - 1 (Lin et al. 2024, algorithm 1)."""
        root = self.alphas_cumprod.sqrt()
        return replace(self, alphas_cumprod=((root - root[-1]) * root[0] / (root[0] - root[-1])) ** 2)

    def __len__(self) -> int:
        return len(self.alphas_cumprod)

    def abar(self, t: float | Tensor) -> Tensor:
        """abar_t in the shape of t; 1 at t = -1."""
        t = torch.as_tensor(t)
        return torch.where(t < 0, 1.0, self.alphas_cumprod[t.clamp(min=0)])

    def alpha(self, t: float | Tensor) -> Tensor:
        """sqrt(abar_t)."""
        return self.abar(t).sqrt()

    def sigma(self, t: float | Tensor) -> Tensor:
        """sqrt(1 - abar_t)."""
        return (1 - self.abar(t)).sqrt()

    def draw(self, count: int, g: torch.Generator) -> Tensor:
        """Random t `[count]` for training, uniform whole numbers."""
        return torch.randint(len(self), (count,), generator=g)

    def at(self, place: Tensor) -> Tensor:
        """t for places in [0, T), rounded down to whole numbers."""
        return place.long()

    def beta(self, t: float | Tensor, t_prev: float | Tensor) -> Tensor:
        """1 - abar_t / abar_t', the largest variance of the reverse step from t to t' < t (course A1.4)."""
        return 1 - self.abar(t) / self.abar(t_prev)

    def posterior_variance(self, t: float | Tensor, t_prev: float | Tensor) -> Tensor:
        """The smallest variance of the reverse step from t to t' < t: beta (1 - abar_t') / (1 - abar_t).

        This is the variance of the posterior (Ho et al. 2020, eq. 7).
        """
        return self.beta(t, t_prev) * (1 - self.abar(t_prev)) / (1 - self.abar(t))

    def learned_range_variance(self, v: Tensor, t: float, t_prev: float) -> Tensor:
        """The variance that a network's v chooses between the smallest (v = -1) and the largest (v = 1).

        Its logarithm is linear in v (Nichol & Dhariwal 2021, eq. 15).
        """
        smallest, largest = self.posterior_variance(t, t_prev).to(v.device), self.beta(t, t_prev).to(v.device)
        weight = (v + 1) / 2
        return (weight * largest.log() + (1 - weight) * smallest.clamp(min=1e-20).log()).exp()

    def renoise(self, x_t: Tensor, t: float, t_later: float, noise: Tensor) -> Tensor:
        """As `Path.renoise`; on this path the factors of x_t and of the noise follow from one ratio of abar."""
        kept = (self.abar(t_later) / self.abar(t)).to(x_t.device)
        return kept.sqrt() * x_t + (1 - kept).sqrt() * noise


@dataclass(frozen=True)
class Linear(Path):
    """alpha = 1 - sigma: the straight line of flow matching (Lipman et al. 2023; course Part B, 2025).

    alpha is the t of the course: 0 at noise (x_0 in the course), 1 at the image (x_1 in the course). Here t is any real
    number in training and a whole number in sampling.
    """

    timesteps: int

    def __len__(self) -> int:
        return self.timesteps

    def alpha(self, t: float | Tensor) -> Tensor:
        """1 - (t + 1) / T."""
        return 1 - (torch.as_tensor(t) + 1) / len(self)

    def sigma(self, t: float | Tensor) -> Tensor:
        """1 - alpha."""
        return 1 - self.alpha(t)

    def velocity_of(self, x0: Tensor, t: float | Tensor, eps: Tensor) -> Tensor:
        """x_0 - eps, the derivative of x_t with respect to alpha; it is the same at every t."""
        return x0 - eps

    def of_velocity(self, x_t: Tensor, t: float | Tensor, velocity: Tensor) -> tuple[Tensor, Tensor]:
        """x_0 = x_t + sigma u, eps = x_t - alpha u."""
        alpha, sigma = along(self.alpha(t), x_t), along(self.sigma(t), x_t)
        return x_t + sigma * velocity, x_t - alpha * velocity

    def time(self, t: float | Tensor) -> Tensor:
        """alpha: 0 at noise, 1 at the image."""
        return self.alpha(t)

    def at_alpha(self, alpha: float) -> float:
        """The t at which alpha has the given value."""
        return len(self) * (1 - alpha) - 1
