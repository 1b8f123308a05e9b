"""What the networks of Part B learn to undo: noise prediction, v-prediction, flow matching.

In all of them t counts as a schedule's does: from T - 1, where (nearly) nothing is left of the image, down to -1, where
it is clean. So one loop samples them all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol, Self

import torch
from torch import Tensor

from fundiff.process.schedule import Schedule


class Process(Protocol):
    """The way from image to noise, and what of it a network is asked for; t is an int or `[B]`."""

    def __len__(self) -> int: ...

    def draw(self, count: int, g: torch.Generator) -> Tensor:
        """Random t `[count]`, uniform."""

    def at(self, place: Tensor) -> Tensor:
        """t at a place in [0, T), counted from the clean image."""

    def time(self, t: int | Tensor) -> Tensor:
        """What the network is shown of t, in [0, 1]."""

    def forward(self, x0: Tensor, t: int | Tensor, eps: Tensor) -> Tensor:
        """x_t."""

    def target(self, x0: Tensor, t: int | Tensor, eps: Tensor) -> Tensor:
        """What the network is to say of x_t."""

    def x0(self, x_t: Tensor, t: int | Tensor, said: Tensor) -> Tensor:
        """The image that the network's answer comes to."""


@dataclass(frozen=True)
class EpsPrediction(Schedule):
    """The course's: the network is asked for the noise in x_t (Ho et al. 2020, eq. 14)."""

    def draw(self, count: int, g: torch.Generator) -> Tensor:
        """Uniform whole t `[count]`."""
        return torch.randint(len(self), (count,), generator=g)

    def at(self, place: Tensor) -> Tensor:
        """The whole t that the place lies in."""
        return place.long()

    def time(self, t: int | Tensor) -> Tensor:
        """(t + 1) / T (course B2)."""
        return (torch.as_tensor(t) + 1) / len(self)

    def target(self, x0: Tensor, t: int | Tensor, eps: Tensor) -> Tensor:
        """eps."""
        return eps

    def zero_terminal_snr(self) -> Self:
        """The same, its schedule shifted and scaled so that nothing is left at T - 1 (Lin et al. 2023, alg. 1)."""
        root = self.alphas_cumprod.sqrt()
        return replace(self, alphas_cumprod=((root - root[-1]) * root[0] / (root[0] - root[-1])) ** 2)


@dataclass(frozen=True)
class VPrediction(EpsPrediction):
    """v = sqrt(abar) eps - sqrt(1 - abar) x_0, which says something of the image at any noise (Salimans & Ho 2022)."""

    def target(self, x0: Tensor, t: int | Tensor, eps: Tensor) -> Tensor:
        """v."""
        abar = self.abar(t, x0)
        return abar.sqrt() * eps - (1 - abar).sqrt() * x0

    def x0(self, x_t: Tensor, t: int | Tensor, v: Tensor) -> Tensor:
        """x_0 = sqrt(abar) x_t - sqrt(1 - abar) v."""
        abar = self.abar(t, x_t)
        return abar.sqrt() * x_t - (1 - abar).sqrt() * v


@dataclass(frozen=True)
class Flow:
    """The straight way from noise to image, and its direction (Lipman et al. 2023; course Part B, 2025).

    The course's t in [0, 1], shown to the network, runs from noise (its x0) to the image (its x1); here it is
    `time(t)`, and t itself takes any value in training, whole ones in sampling.
    """

    timesteps: int

    def __len__(self) -> int:
        return self.timesteps

    def draw(self, count: int, g: torch.Generator) -> Tensor:
        """Uniform t `[count]`, between whole numbers too."""
        return self.at(torch.rand(count, generator=g) * len(self))

    def at(self, place: Tensor) -> Tensor:
        """The place itself, counted from -1."""
        return place - 1

    def time(self, t: int | Tensor) -> Tensor:
        """1 - (t + 1) / T: 0 at noise, 1 at the image."""
        return 1 - (torch.as_tensor(t) + 1) / len(self)

    def forward(self, x0: Tensor, t: int | Tensor, eps: Tensor) -> Tensor:
        """(1 - time) eps + time x_0."""
        time = self._time(t, x0)
        return (1 - time) * eps + time * x0

    def target(self, x0: Tensor, t: int | Tensor, eps: Tensor) -> Tensor:
        """x_0 - eps: what x_t gains on its way, the same everywhere on it."""
        return x0 - eps

    def x0(self, x_t: Tensor, t: int | Tensor, u: Tensor) -> Tensor:
        """x_0 = x_t + (1 - time) u."""
        return x_t + (1 - self._time(t, x_t)) * u

    def _time(self, t: int | Tensor, like: Tensor) -> Tensor:
        time = self.time(t).to(like.device)
        return time.reshape(-1, *[1] * (like.ndim - 1)) if time.ndim else time
