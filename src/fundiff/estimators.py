"""Noise estimators: functions (x_t, t) -> (eps, variance or None). A new technique is a new estimator.

Those here ask a text-to-image prior, a function (x_t, t, embeddings `[B, 77, C]`) -> (eps, v). Its variance
output v is passed on as it is: what it means depends on the step's length, so the step makes a variance of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torchvision.transforms.functional import gaussian_blur

from fundiff.denoise import Estimator
from fundiff.views import View

Prior = Callable[[Tensor, int, Tensor], tuple[Tensor, Tensor | None]]

KERNEL, SIGMA = 33, 2.0  # the course's Gaussian for hybrid images


def conditional(prior: Prior, embeddings: Tensor) -> Estimator:
    """The prior's estimate under a prompt a row; embeddings `[B, 77, C]`."""

    def estimate(x_t: Tensor, t: int) -> tuple[Tensor, Tensor | None]:
        return prior(x_t, t, embeddings[: len(x_t)])

    return estimate


def guided(prior: Prior, embeddings: Tensor, unconditional: Tensor, scale: float) -> Estimator:
    """eps_u + g (eps_c - eps_u), variance from the conditional branch (Ho & Salimans 2022; course A1.6).

    embeddings `[B, 77, C]`, unconditional `[77, C]`; both branches share one call of the prior.
    """
    if scale == 1:
        return conditional(prior, embeddings)

    def estimate(x_t: Tensor, t: int) -> tuple[Tensor, Tensor | None]:
        n = len(x_t)
        both = torch.cat([embeddings[:n], unconditional.expand_as(embeddings[:n])])
        eps, v = prior(torch.cat([x_t, x_t]), t, both)
        eps_c, eps_u = eps.chunk(2)
        return eps_u + scale * (eps_c - eps_u), None if v is None else v[:n]

    return estimate


def anagram(parts: Sequence[tuple[View, Estimator, float]]) -> Estimator:
    """Weighted mean of the estimates made in each view and turned back (Geng et al. 2024; course A1.8)."""
    total = sum(weight for _, _, weight in parts)

    def estimate(x_t: Tensor, t: int) -> tuple[Tensor, Tensor | None]:
        eps, v = torch.zeros_like(x_t), None
        for view, estimator, weight in parts:
            seen_eps, seen_v = estimator(view.view(x_t), t)
            eps = eps + weight / total * view.inverse(seen_eps)
            if seen_v is not None:
                turned = weight / total * view.inverse_variance(seen_v)
                v = turned if v is None else v + turned
        return eps, v

    return estimate


def lowpass(x: Tensor, kernel: int = KERNEL, sigma: float = SIGMA) -> Tensor:
    """Gaussian blur of `[B, C, H, W]`; x - lowpass(x) is the high-pass part."""
    return gaussian_blur(x, kernel, sigma)


def hybrid(low: Estimator, high: Estimator, kernel: int = KERNEL, sigma: float = SIGMA) -> Estimator:
    """lowpass(eps_low) + highpass(eps_high), mean variance (factorized diffusion, Geng 2024; course A1.9)."""

    def estimate(x_t: Tensor, t: int) -> tuple[Tensor, Tensor | None]:
        (eps_low, v_low), (eps_high, v_high) = low(x_t, t), high(x_t, t)
        eps = lowpass(eps_low, kernel, sigma) + eps_high - lowpass(eps_high, kernel, sigma)
        return eps, None if v_low is None or v_high is None else (v_low + v_high) / 2

    return estimate
