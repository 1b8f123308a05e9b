"""Animations as GIF. The same inputs give the same bytes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from fundiff.pictures.grids import tile
from fundiff.pipeline.files import replacing

FRAMES = 24  # largest number in a film: noise compresses badly, and the films are in git


def twins(picture: Image.Image) -> list[Image.Image]:
    """Two pictures with the colours of `picture` but different bytes, since Pillow merges equal neighbouring frames.

    The commonest colour gets a second palette entry, and each picture uses it for one pixel.
    """
    indices, palette = np.array(picture), picture.getpalette() or []
    common, twin = int(np.bincount(indices.ravel()).argmax()), len(palette) // 3
    (y, x), *rest = np.argwhere(indices == common)
    made = []
    for at in ((y, x), tuple(rest[0]) if rest else (y, x)):
        changed = indices.copy()
        changed[at] = twin
        made.append(Image.fromarray(changed))
        made[-1].putpalette([*palette, *palette[3 * common : 3 * common + 3]])
    return made


def paletted(frames: Sequence[np.ndarray]) -> list[Image.Image]:
    """Frames `[H, W, C]` uint8 with palettes of 32 greys or 128 colours; no two neighbours have the same bytes."""
    pictures = []
    for frame in frames:
        colours = 32 if frame.shape[-1] == 1 else 128
        pictures.append(Image.fromarray(frame.squeeze()).quantize(colours, dither=Image.Dither.NONE))
    repeats = [False, *(np.array_equal(*pair) for pair in pairwise(frames)), False]
    return [
        twins(picture)[i % 2] if repeats[i] or repeats[i + 1] else picture
        for i, picture in enumerate(pictures)
    ]


def gif(path: str | Path, frames: Sequence[np.ndarray], milliseconds: int = 90, hold: int = 1500) -> None:
    """Write frames `[H, W, C]` uint8 as a looping GIF that holds its last frame; 32 greys or 128 colours a frame."""
    pictures = paletted(frames)
    durations = [milliseconds] * (len(pictures) - 1) + [hold]
    with replacing(path) as temporary:
        pictures[0].save(
            temporary, "GIF", save_all=True, append_images=pictures[1:], duration=durations, loop=0
        )


def thinned(count: int, frames: int = FRAMES) -> list[int]:
    """At most `frames` evenly spaced indices of 0..count-1, including the last."""
    n = min(count, frames)
    return sorted({round(i * (count - 1) / max(1, n - 1)) for i in range(n)} | {count - 1})


def afar(image: Tensor, share: float, enlarge: int = 1) -> Tensor:
    """A picture `[3, S, S]` shrunk to `share` of its side, in the middle of a white square of side S * `enlarge`."""
    side = image.shape[-1] * enlarge
    small = F.interpolate(image[None], size=max(1, round(side * share)), mode="bilinear", antialias=True)[0]
    canvas = torch.ones(image.shape[0], side, side, device=image.device)
    at = (side - small.shape[-1]) // 2
    canvas[:, at : at + small.shape[-1], at : at + small.shape[-1]] = small
    return canvas


def zooming(image: Tensor, count: int) -> list[np.ndarray]:
    """Frames of a picture `[3, S, S]` in [0, 1] that shrinks to a fifth of its size and grows back."""
    shares = [1 - 0.8 * i / (count - 1) for i in range(count)]
    return [tile(afar(image, share, 4)[None], 1, scale=1) for share in [*shares, *reversed(shares)]]
