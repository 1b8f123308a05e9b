"""The linear path seen through a prior of a variance-preserving one: the same point, scaled, at the same log-SNR."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from fundiff.process.paths import Circular, Linear, VariancePreserving


@dataclass(frozen=True, eq=False)
class Bridge(Circular):
    """The linear path divided by its norm, sqrt(alpha^2 + sigma^2): a path with alpha^2 + sigma^2 = 1.

    t is the linear path's. On the way every point has the log-SNR of a real-valued timestep of the prior, at which the
    prior is asked; beyond its own range, at either end, it is asked at the end, while alpha and sigma stay exact.
    """

    linear: Linear
    prior: VariancePreserving

    def __len__(self) -> int:
        return len(self.linear)

    def norm(self, t: float | Tensor) -> Tensor:
        """sqrt(alpha^2 + sigma^2) of the linear path, by which x_t is divided."""
        return (self.linear.alpha(t) ** 2 + self.linear.sigma(t) ** 2).sqrt()

    def alpha(self, t: float | Tensor) -> Tensor:
        """The linear path's over the norm."""
        return self.linear.alpha(t) / self.norm(t)

    def sigma(self, t: float | Tensor) -> Tensor:
        """The linear path's over the norm."""
        return self.linear.sigma(t) / self.norm(t)

    def timestep(self, t: float) -> float:
        """The prior's timestep s, between whole ones too, of the same log-SNR: abar_s / (1 - abar_s) = alpha^2 / sigma^2."""
        abar = self.prior.alphas_cumprod.double().numpy()
        sigma = (t + 1) / len(self)
        with np.errstate(divide="ignore"):  # at the two ends the log-SNR is infinite
            log_nsr = 2 * (np.log(sigma) - np.log(1 - sigma))
        return float(np.interp(log_nsr, np.log(1 - abar) - np.log(abar), np.arange(len(abar))))

    def time_of(self, timestep: int) -> float:
        """The linear path's t with the log-SNR of a whole timestep of the prior; -1, the clean image, is -1."""
        abar = self.prior.abar(timestep).double()
        alpha, sigma = abar.sqrt(), (1 - abar).sqrt()
        return self.linear.at_alpha(float(alpha / (alpha + sigma)))
