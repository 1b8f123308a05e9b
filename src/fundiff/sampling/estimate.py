"""What is estimated of x_t. All techniques that combine estimates are linear, so they hold for eps and velocity alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor


class Estimate(NamedTuple):
    """eps `[B, C, H, W]` is the noise in x_t, whatever the network was trained to predict.

    Part B's networks that predict a velocity hold that in its place, and are sampled by steps of their own process.

    v `[B, C, H, W]` is no variance but a place in the learned range: -1 is the smallest variance of a reverse step, 1
    the largest, linear in the log between (Nichol & Dhariwal 2021, eq. 15). Both ends depend on the length of the
    step, so only the step makes a variance of it. None: nothing was learned, the step takes the largest.
    """

    eps: Tensor
    v: Tensor | None = None


Estimator = Callable[[Tensor, float], Estimate]  # (x_t, t) -> Estimate; a new technique is a new estimator
