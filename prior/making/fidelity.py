"""Measures of a prior's samples that need no Inception network: memorising, diversity, style; and contact sheets.

Images are `[B, 3, S, S]` in [-1, 1].
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor
from torch.nn.functional import avg_pool2d

CELL = 64


def small(images: Tensor) -> Tensor:
    """Images averaged to 16 x 16 and flattened, `[B, 768]`; the distance of images is measured between these."""
    return avg_pool2d(images, images.shape[-1] // 16).flatten(1)


def nearest_distance(images: Tensor, known: Tensor) -> Tensor:
    """Root mean square difference `[B]` of each image to the nearest known one. Both arguments come from `small`."""
    distances = torch.cat([torch.cdist(part, known).amin(1) for part in images.split(64)])
    return distances / images.shape[1] ** 0.5


def diversity(images: Tensor) -> Tensor:
    """Mean root mean square difference between the K samples of each prompt: images `[P, K, 3, S, S]` to `[P]`."""
    values = []
    for samples in images:
        flat = small(samples)
        values.append(torch.pdist(flat).mean() / flat.shape[1] ** 0.5)
    return torch.stack(values)


def colourfulness(images: Tensor) -> Tensor:
    """The largest channel minus the smallest, as a share of the range, mean over the pixels, `[B]`; 0 is grey."""
    return (images.amax(1) - images.amin(1)).mean((1, 2)) / 2


def roughness(images: Tensor) -> Tensor:
    """Mean absolute step of brightness between neighbouring pixels, `[B]`: high for hatching, low for flat surfaces."""
    grey = images.mean(1)
    return (
        (grey[:, 1:] - grey[:, :-1]).abs().mean((1, 2))
        + (grey[:, :, 1:] - grey[:, :, :-1]).abs().mean((1, 2))
    ) / 4


def sheet(images: Tensor, names: Sequence[str], columns: int = 10, zoom: int = 1) -> Image.Image:
    """A contact sheet: every image with its prompt below it."""
    side, line = CELL * zoom + 4, 13
    lines = -(-len(names) // columns)
    canvas = Image.new("RGB", (columns * side, lines * (side + line)), "white")
    draw, font = ImageDraw.Draw(canvas), ImageFont.load_default(9)
    values = ((images.clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()
    for index, name in enumerate(names):
        left, top = index % columns * side, index // columns * (side + line)
        picture = Image.fromarray(values[index]).resize((CELL * zoom, CELL * zoom), Image.Resampling.NEAREST)
        canvas.paste(picture, (left + 2, top + 2))
        draw.text((left + 3, top + side), name[: 14 * zoom], "black", font)
    return canvas
