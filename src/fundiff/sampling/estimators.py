"""Noise estimators made from a text-to-image prior, and combinations of estimators.

A prior is a function (x_t, t, embeddings `[B, 77, C]`) -> Estimate.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache

import torch
from torch import Tensor

from fundiff.pictures.blur import gaussian_blur
from fundiff.sampling.estimate import Estimate, Estimator
from fundiff.views.rigid import View

ALWAYS = (0.0, math.inf)  # the timesteps of guidance at every step

Prior = Callable[[Tensor, float, Tensor], Estimate]
Component = Callable[[Tensor], Tensor]

KERNEL, SIGMA = 33, 2.0  # the course's Gaussian for hybrid images


def conditional(prior: Prior, embeddings: Tensor) -> Estimator:
    """The prior's estimate with one prompt per row; embeddings `[B, 77, C]`."""

    @cache  # each call passes the same tensor, so a prior can cache what it computes from it
    def first(rows: int) -> Tensor:
        return embeddings[:rows]

    def estimate(x_t: Tensor, t: float) -> Estimate:
        return prior(x_t, t, first(len(x_t)))

    return estimate


def guided(
    prior: Prior,
    embeddings: Tensor,
    unconditional: Tensor,
    scale: float,
    between: tuple[float, float] = ALWAYS,
) -> Estimator:
    """eps_u + g (eps_c - eps_u), v from the conditional branch (Ho & Salimans 2022; course A1.6).

    embeddings `[B, 77, C]`, unconditional `[77, C]`; both branches share one call of the prior. between: first and last
    timestep with guidance; at others the estimate is the conditional one, at half the cost (Kynkäänniemi et al. 2024).
    """
    plain = conditional(prior, embeddings)
    if scale == 1:
        return plain

    @cache
    def both(rows: int) -> Tensor:
        return torch.cat([embeddings[:rows], unconditional.expand_as(embeddings[:rows])])

    def estimate(x_t: Tensor, t: float) -> Estimate:
        if not between[0] <= t <= between[1]:
            return plain(x_t, t)
        eps, v = prior(torch.cat([x_t, x_t]), t, both(len(x_t)))
        eps_c, eps_u = eps.chunk(2)
        return Estimate(eps_u + scale * (eps_c - eps_u), None if v is None else v[: len(x_t)])

    return estimate


def guide(
    conditional: Estimator, unconditional: Estimator, scale: float, between: tuple[float, float] = ALWAYS
) -> Estimator:
    """Guidance of any two estimators: eps_u + g (eps_c - eps_u), v from the conditional one (course A1.6, A1.9).

    A hybrid or factorized estimate is a sum of components of its parts' estimates. So one unconditional estimate serves all:
    guide(hybrid(low, high), u, g) equals the hybrid of both guided alone (Ho & Salimans 2022). between: as for `guided`.
    """
    if scale == 1:
        return conditional

    def estimate(x_t: Tensor, t: float) -> Estimate:
        if not between[0] <= t <= between[1]:
            return conditional(x_t, t)
        (eps_c, v), (eps_u, _) = conditional(x_t, t), unconditional(x_t, t)
        return Estimate(eps_u + scale * (eps_c - eps_u), v)

    return estimate


def anagram(views: Sequence[tuple[View, float]], estimator: Estimator, reduction: str = "mean") -> Estimator:
    """The estimates made in each view, turned back and averaged (Geng et al. 2024; course A1.8).

    views: (view, weight). estimator: takes the rows of the first view, then those of the second and so on, so that one call
    of the prior is enough. reduction: "mean" by weight (the course's), or "sum" of the weighted estimates.
    """
    count, shares = len(views), sum(weight for _, weight in views)
    total = shares if reduction == "mean" else 1.0

    def estimate(x_t: Tensor, t: float) -> Estimate:
        eps, v = estimator(torch.cat([view.view(x_t) for view, _ in views]), t)
        parts, zero = zip(views, eps.chunk(count), strict=True), torch.zeros_like(x_t)
        eps = sum((weight / total * view.inverse(part) for (view, weight), part in parts), zero)
        if v is not None:
            parts = zip(views, v.chunk(count), strict=True)
            v = sum((weight / shares * view.inverse_variance(part) for (view, weight), part in parts), zero)
        return Estimate(eps, v)

    return estimate


def alternating(parts: Sequence[tuple[View, Estimator]], timesteps: Sequence[float]) -> Estimator:
    """One view's estimate per step, turned back; the views take turns along `timesteps` (Geng et al. 2024)."""
    turn = {t: index % len(parts) for index, t in enumerate(timesteps)}

    def estimate(x_t: Tensor, t: float) -> Estimate:
        view, estimator = parts[turn[t]]
        eps, v = estimator(view.view(x_t), t)
        return Estimate(view.inverse(eps), None if v is None else view.inverse_variance(v))

    return estimate


def lowpass(x: Tensor, kernel: int = KERNEL, sigma: float = SIGMA) -> Tensor:
    """Gaussian blur of `[B, C, H, W]`; x - lowpass(x) is the high-pass part."""
    return gaussian_blur(x, kernel, sigma)


def factorized(parts: Sequence[tuple[Component, Estimator]]) -> Estimator:
    """The sum of one component of each estimate; v is the mean (factorized diffusion, Geng et al. 2024).

    The components must sum to the identity (fundiff.sampling.components), so that equal estimates give that estimate.
    """

    def estimate(x_t: Tensor, t: float) -> Estimate:
        seen = [estimator(x_t, t) for _, estimator in parts]
        eps = sum((part(e) for (part, _), (e, _) in zip(parts, seen, strict=True)), torch.zeros_like(x_t))
        learned = [v for _, v in seen if v is not None]
        return Estimate(eps, torch.stack(learned).mean(0) if len(learned) == len(seen) else None)

    return estimate


def hybrid(low: Estimator, high: Estimator, kernel: int = KERNEL, sigma: float = SIGMA) -> Estimator:
    """lowpass(eps_low) + highpass(eps_high): a picture that looks different from afar (course A1.9)."""
    return factorized(
        [(lambda x: lowpass(x, kernel, sigma), low), (lambda x: x - lowpass(x, kernel, sigma), high)]
    )
