"""Films of pictures: denoisings, and pictures that go away. The same inputs give the same bytes."""

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

FRAMES = 24  # of an animation of a denoising: noise cannot be compressed, and a clone brings all of them


def twins(picture: Image.Image) -> list[Image.Image]:
    """Two pictures of the same colours that are not of the same bytes: Pillow would merge a frame with its like.

    The commonest colour has two entries in the palette, and two of its pixels have changed places.
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
    """Frames `[H, W, C]` uint8 with palettes of 32 greys or 128 colours, no two neighbours of the same bytes."""
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
    """Write frames `[H, W, C]` uint8 as an endless GIF that rests on its last frame; 32 greys or 128 colours a frame."""
    pictures = paletted(frames)
    durations = [milliseconds] * (len(pictures) - 1) + [hold]
    with replacing(path) as temporary:
        pictures[0].save(
            temporary, "GIF", save_all=True, append_images=pictures[1:], duration=durations, loop=0
        )


def thinned(count: int, frames: int = FRAMES) -> list[int]:
    """At most `frames` evenly spaced indices of 0..count-1, the last one among them."""
    n = min(count, frames)
    return sorted({round(i * (count - 1) / max(1, n - 1)) for i in range(n)} | {count - 1})


def afar(image: Tensor, share: float, enlarge: int = 1) -> Tensor:
    """A picture `[3, S, S]` made smaller by `share` in the middle of a white one of `enlarge` times its size."""
    side = image.shape[-1] * enlarge
    small = F.interpolate(image[None], size=max(1, round(side * share)), mode="bilinear", antialias=True)[0]
    canvas = torch.ones(image.shape[0], side, side, device=image.device)
    at = (side - small.shape[-1]) // 2
    canvas[:, at : at + small.shape[-1], at : at + small.shape[-1]] = small
    return canvas


def zooming(image: Tensor, count: int) -> list[np.ndarray]:
    """The frames of a picture `[3, S, S]` in [0, 1] that goes away to a fifth of its size and comes back."""
    shares = [1 - 0.8 * i / (count - 1) for i in range(count)]
    return [tile(afar(image, share, 4)[None], 1, scale=1) for share in [*shares, *reversed(shares)]]
