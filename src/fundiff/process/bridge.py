"""The linear path, rescaled for a prior that was trained on a variance-preserving path: x_t is divided by a norm.

The norm depends on t. With it such a prior can be sampled along the straight line of flow matching.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from fundiff.process.paths import Circular, Linear, VariancePreserving


@dataclass(frozen=True, eq=False)
class Bridge(Circular):
    """The linear path divided by its norm sqrt(alpha^2 + sigma^2), so that alpha^2 + sigma^2 = 1.

    t is the time of the linear path. The prior is called at its own real-valued timestep with the same log-SNR. Near both
    ends, outside of the prior's range, it is called at its first or last timestep; alpha and sigma stay exact.
    """

    linear: Linear
    prior: VariancePreserving

    def __len__(self) -> int:
        return len(self.linear)

    def norm(self, t: float | Tensor) -> Tensor:
        """sqrt(alpha^2 + sigma^2) of the linear path, in the shape of t."""
        return (self.linear.alpha(t) ** 2 + self.linear.sigma(t) ** 2).sqrt()

    def alpha(self, t: float | Tensor) -> Tensor:
        """alpha of the linear path, divided by the norm."""
        return self.linear.alpha(t) / self.norm(t)

    def sigma(self, t: float | Tensor) -> Tensor:
        """sigma of the linear path, divided by the norm."""
        return self.linear.sigma(t) / self.norm(t)

    def timestep(self, t: float) -> float:
        """The prior's real-valued timestep s with the same log-SNR: abar_s / (1 - abar_s) = alpha^2 / sigma^2.

        It is interpolated between whole timesteps.
        """
        abar = self.prior.alphas_cumprod.double().numpy()
        sigma = (t + 1) / len(self)
        with np.errstate(divide="ignore"):  # at the two ends the log-SNR is infinite
            log_nsr = 2 * (np.log(sigma) - np.log(1 - sigma))
        return float(np.interp(log_nsr, np.log(1 - abar) - np.log(abar), np.arange(len(abar))))

    def time_of(self, timestep: int) -> float:
        """The linear path's t with the log-SNR of one of the prior's timesteps; -1 (the clean image) gives -1."""
        abar = self.prior.abar(timestep).double()
        alpha, sigma = abar.sqrt(), (1 - abar).sqrt()
        return self.linear.at_alpha(float(alpha / (alpha + sigma)))
