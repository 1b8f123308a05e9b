"""Scores of denoised digits, beside the baselines: the noisy input, the best Gaussian blur, the mean digit."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from fundiff.pictures.restoration import best_sigma, blur, clamped, psnr, ssim
from fundiff.pipeline.runtime import Runtime

MAX_PSNR = 100.0  # dB; written in place of the infinite PSNR of an image without noise


@torch.no_grad()
def restore(unet: nn.Module, z: Tensor, runtime: Runtime) -> Tensor:
    """The denoiser's estimate of the clean digits `[N, 1, 28, 28]`, in batches."""
    with runtime.autocast():
        return clamped(torch.cat([unet(part) for part in z.split(250)]))


def restoration_scores(
    restored: Tensor, z: Tensor, clean: Tensor, mean: Tensor, noisy: Tensor, original: Tensor
) -> dict[str, float]:
    """PSNR in dB and SSIM of restored digits, of their noisy input z, of z blurred, and of the mean digit.

    All are `[N, 1, 28, 28]` in [0, 1]; mean is `[1, 1, 28, 28]`. The blur's sigma is the best one for other digits,
    `noisy` and their `original`, so that it is not fitted to the digits it is scored on.
    """
    sigma = best_sigma(noisy, original)
    smooth = clamped(blur(z, sigma))
    return {
        "psnr": psnr(restored, clean),
        "ssim": ssim(restored, clean),
        "noisy_psnr": min(psnr(clamped(z), clean), MAX_PSNR),
        "noisy_ssim": ssim(clamped(z), clean),
        "gaussian_psnr": psnr(smooth, clean),
        "gaussian_ssim": ssim(smooth, clean),
        "gaussian_sigma": sigma,
        "mean_image_psnr": psnr(mean.expand_as(clean), clean),
    }
