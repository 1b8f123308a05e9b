"""The estimate of the noise in x_t.

Every technique that combines estimates is linear, so it works for eps and for a velocity.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor


class Estimate(NamedTuple):
    """eps `[B, C, H, W]`: the noise in x_t, whatever the network was trained to predict.

    On the straight path of flow matching (Part B, and the prior as a flow) it holds the velocity; that path's steps expect it.

    v `[B, C, H, W]`: not a variance but its place in the learned range. -1 is the smallest variance of a reverse step, 1 the
    largest, linear in the logarithm between (Nichol & Dhariwal 2021, eq. 15). Both ends depend on the length of the step, so
    the step computes the variance. None: the network learned none, and the step takes the largest.
    """

    eps: Tensor
    v: Tensor | None = None


Estimator = Callable[[Tensor, float], Estimate]  # (x_t `[B, C, H, W]`, t) -> Estimate
