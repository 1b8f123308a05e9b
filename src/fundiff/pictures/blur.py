"""Gaussian blur in two passes: faster than torchvision's single pass, and torchvision takes seconds to import."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad


def gaussian_blur(x: Tensor, kernel_size: int, sigma: float) -> Tensor:
    """x `[B, C, H, W]` blurred by a Gaussian of `sigma` pixels, cut off at an odd `kernel_size`; edges are reflected."""
    places = torch.arange(kernel_size, dtype=x.dtype, device=x.device) - kernel_size // 2
    weights = torch.exp(-0.5 * (places / sigma) ** 2)
    weights = (weights / weights.sum()).expand(x.shape[1], 1, kernel_size)
    x = pad(x, [kernel_size // 2] * 4, mode="reflect")
    x = conv2d(x, weights[:, :, None, :], groups=x.shape[1])
    return conv2d(x, weights[:, :, :, None], groups=x.shape[1])
