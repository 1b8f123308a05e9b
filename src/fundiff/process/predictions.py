"""The three things that a network may predict from x_t: the noise, the direction of the path, or the image."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Generic, TypeVar

from torch import Tensor

from fundiff.process.paths import Path

P = TypeVar("P", bound=Path, covariant=True)


@dataclass(frozen=True)
class Process(ABC, Generic[P]):
    """A path, and what a network predicts on it. t is a number or `[B]`, all else `[B, C, H, W]`."""

    path: P

    @abstractmethod
    def target(self, x0: Tensor, t: float | Tensor, eps: Tensor) -> Tensor:
        """What the network should predict for x_t = forward(x_0, t, eps)."""

    @abstractmethod
    def x0(self, x_t: Tensor, t: float | Tensor, predicted: Tensor) -> Tensor:
        """The image that follows from a prediction for x_t."""

    @abstractmethod
    def eps(self, x_t: Tensor, t: float | Tensor, predicted: Tensor) -> Tensor:
        """The noise that follows from a prediction for x_t."""


class EpsPrediction(Process[P]):
    """The network predicts the noise in x_t (Ho et al. 2020, eq. 14; the course). At alpha = 0 it does not determine x_0."""

    def target(self, x0: Tensor, t: float | Tensor, eps: Tensor) -> Tensor:
        """eps."""
        return eps

    def x0(self, x_t: Tensor, t: float | Tensor, predicted: Tensor) -> Tensor:
        """(x_t - sigma eps) / alpha."""
        return self.path.x0_of(x_t, t, predicted)

    def eps(self, x_t: Tensor, t: float | Tensor, predicted: Tensor) -> Tensor:
        """The prediction itself."""
        return predicted


class VelocityPrediction(Process[P]):
    """The network predicts the direction of the path: v of Salimans & Ho (2022), or x_0 - eps of flow matching.

    It determines both x_0 and eps at every t.
    """

    def target(self, x0: Tensor, t: float | Tensor, eps: Tensor) -> Tensor:
        """`Path.velocity_of`."""
        return self.path.velocity_of(x0, t, eps)

    def x0(self, x_t: Tensor, t: float | Tensor, predicted: Tensor) -> Tensor:
        """The first of `Path.of_velocity`."""
        return self.path.of_velocity(x_t, t, predicted)[0]

    def eps(self, x_t: Tensor, t: float | Tensor, predicted: Tensor) -> Tensor:
        """The second of `Path.of_velocity`."""
        return self.path.of_velocity(x_t, t, predicted)[1]


class SamplePrediction(Process[P]):
    """The network predicts the clean image. At sigma = 0 it does not determine eps."""

    def target(self, x0: Tensor, t: float | Tensor, eps: Tensor) -> Tensor:
        """x_0."""
        return x0

    def x0(self, x_t: Tensor, t: float | Tensor, predicted: Tensor) -> Tensor:
        """The prediction itself."""
        return predicted

    def eps(self, x_t: Tensor, t: float | Tensor, predicted: Tensor) -> Tensor:
        """(x_t - alpha x_0) / sigma."""
        return self.path.eps_of(x_t, t, predicted)
