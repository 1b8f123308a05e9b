"""PSNR, SSIM, and the classical baseline: the best Gaussian blur."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from fundiff.pictures.blur import gaussian_blur

# Search grids of the best blur: sigmas for digits; kernels and sigmas, in pixels, for pictures.
BLUR_SIGMAS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.4, 1.6, 2.0, 2.5, 3.0)
KERNELS = (3, 5, 7, 9, 13, 17, 25)
SIGMAS = (0.5, 0.7, 0.9, 1.1, 1.4, 1.7, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0)


def psnr(estimate: Tensor, clean: Tensor, data_range: float = 1.0) -> float:
    """10 log10(range^2 / MSE) in dB, the MSE taken over the whole batch."""
    mse = F.mse_loss(estimate, clean).item()
    return 10 * math.log10(data_range**2 / mse) if mse else math.inf


def ssim(estimate: Tensor, clean: Tensor, data_range: float = 1.0) -> float:
    """Mean structural similarity (Wang et al. 2004) over a batch `[B, C, H, W]`, 7 x 7 windows."""
    from skimage.metrics import structural_similarity  # takes a second to import

    pairs = zip(estimate.cpu().numpy(), clean.cpu().numpy(), strict=True)
    return float(
        np.mean([structural_similarity(a, b, data_range=data_range, channel_axis=0) for a, b in pairs])
    )


def blur(x: Tensor, sigma: float) -> Tensor:
    """Gaussian blur of `[B, C, H, W]`; the kernel reaches three sigmas each way."""
    return gaussian_blur(x, 2 * math.ceil(3 * sigma) + 1, sigma)


def best_sigma(noisy: Tensor, clean: Tensor) -> float:
    """The sigma of BLUR_SIGMAS whose blur has the smallest mean squared error to the clean digits."""
    return min(BLUR_SIGMAS, key=lambda sigma: F.mse_loss(blur(noisy, sigma).clamp(0, 1), clean).item())


def best_blur(noisy: Tensor, clean: Tensor) -> tuple[Tensor, int, float]:
    """The blur of `[B, C, H, W]` with the smallest mean squared error to `clean`: (blurred, kernel, sigma)."""
    tried = [
        (gaussian_blur(noisy, kernel, sigma), kernel, sigma) for kernel, sigma in product(KERNELS, SIGMAS)
    ]
    return min(tried, key=lambda blurred: F.mse_loss(blurred[0], clean).item())


def clamped(x: Tensor) -> Tensor:
    """Images as float, clamped to [0, 1]."""
    return torch.clamp(x.float(), 0, 1)
