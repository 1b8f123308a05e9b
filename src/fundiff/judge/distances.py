"""Distances between samples and real digits in the judge's features. None of them is FID, which needs Inception."""

from __future__ import annotations

import torch
from torch import Tensor


def frechet(a: Tensor, b: Tensor) -> float:
    """Frechet distance of Gaussians fitted to features `[N, D]`, float64 (Dowson & Landau 1982)."""
    a, b = a.double(), b.double()
    cov_a, cov_b = torch.cov(a.T), torch.cov(b.T)
    # The trace of sqrt(cov_a cov_b) is the sum of the square roots of the product's eigenvalues.
    root = torch.linalg.eigvals(cov_a @ cov_b).real.clamp(min=0).sqrt().sum()
    return float((a.mean(0) - b.mean(0)).square().sum() + cov_a.trace() + cov_b.trace() - 2 * root)


def kid(a: Tensor, b: Tensor) -> float:
    """Unbiased squared MMD with the kernel (x.y / D + 1)^3 (Binkowski et al. 2018)."""
    a, b = a.double(), b.double()

    def kernel(x: Tensor, y: Tensor) -> Tensor:
        return (x @ y.T / x.shape[1] + 1) ** 3

    def off_diagonal_mean(k: Tensor) -> Tensor:
        return (k.sum() - k.trace()) / (len(k) * (len(k) - 1))

    return float(off_diagonal_mean(kernel(a, a)) + off_diagonal_mean(kernel(b, b)) - 2 * kernel(a, b).mean())


def coverage(samples: Tensor, real: Tensor, k: int = 5) -> float:
    """Share of real features with a sample inside their k-th real neighbour's distance (Naeem et al. 2020, eq. 7)."""
    radius = torch.cdist(real, real).kthvalue(k + 1, dim=1).values
    return float((torch.cdist(real, samples).min(1).values < radius).double().mean())


def recall(samples: Tensor, real: Tensor, k: int = 3) -> float:
    """Share of real features inside some sample's k-th neighbour ball (Kynkaanniemi et al. 2019, eq. 2)."""
    radius = torch.cdist(samples, samples).kthvalue(k + 1, dim=1).values
    return float((torch.cdist(real, samples) < radius).any(1).double().mean())


def nearest_mse(images: Tensor, train: Tensor) -> Tensor:
    """Mean squared pixel difference of each image to its nearest training image, `[N]`; near 0 means a memorised one."""
    a, b = images.flatten(1), train.flatten(1)
    return torch.cdist(a, b).min(1).values.square() / a.shape[1]
