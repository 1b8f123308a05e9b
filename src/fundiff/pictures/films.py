"""Animations as WebP; every frame is a whole picture. The same inputs give the same bytes."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from fundiff.pictures.grids import tile
from fundiff.pictures.metadata import film_exif
from fundiff.pipeline.files import replacing

FRAMES = 16  # largest number in a film: noise compresses badly, and the films are in git
QUALITY = 75  # of all frames but the last one, which is exact
ANIMATED, WITH_EXIF, OPAQUE = 0x02, 0x08, 0x02  # flags of the file, and of a frame that hides the one before


def chunk(name: bytes, content: bytes) -> bytes:
    """A chunk of a RIFF file: name, size, content, and a zero where the size is odd."""
    return name + len(content).to_bytes(4, "little") + content + bytes(len(content) % 2)


def encoded(frame: np.ndarray, exact: bool) -> bytes:
    """The chunk of one picture `[H, W, C]` uint8."""
    buffer = io.BytesIO()
    image = Image.fromarray(np.broadcast_to(frame, (*frame.shape[:2], 3)))
    image.save(buffer, "WEBP", lossless=exact, quality=QUALITY, method=4)
    return buffer.getvalue()[12:]  # after RIFF, size and WEBP


def save_film(
    path: str | Path,
    frames: Sequence[np.ndarray],
    labels: Sequence[str],
    about: str,
    milliseconds: int = 90,
    hold: int = 1500,
) -> None:
    """Write frames `[H, W, C]` uint8 as a looping WebP that holds its last frame for `hold` milliseconds.

    labels: what each frame shows (`t = 690`); about: what they all show. Both are stored in the file, as JSON in its EXIF.
    The file is assembled here because Pillow's encoder leaves out a frame that equals the one before it.
    """
    if len(labels) != len(frames):
        raise ValueError(f"{path}: {len(frames)} frames and {len(labels)} labels")
    height, width = frames[0].shape[:2]
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    parts = [chunk(b"VP8X", bytes([ANIMATED | WITH_EXIF, 0, 0, 0]) + size), chunk(b"ANIM", bytes(6))]
    for i, frame in enumerate(frames, 1):
        exact = i == len(frames)
        shown = (hold if exact else milliseconds).to_bytes(3, "little")
        parts.append(chunk(b"ANMF", bytes(6) + size + shown + bytes([OPAQUE]) + encoded(frame, exact)))
    parts.append(chunk(b"EXIF", film_exif(labels, about)))
    with replacing(path) as temporary:
        temporary.write_bytes(chunk(b"RIFF", b"WEBP" + b"".join(parts)))


def thinned(count: int, frames: int = FRAMES) -> list[int]:
    """At most `frames` evenly spaced indices of 0..count-1, including the last."""
    n = min(count, frames)
    return sorted({round(i * (count - 1) / max(1, n - 1)) for i in range(n)} | {count - 1})


def save_steps(
    path: str | Path, steps: Sequence[Tensor], columns: int, labels: Sequence[str], about: str
) -> None:
    """Write the steps `[N, C, H, W]` in [0, 1] of a denoising as an animation: a sheet of `columns` columns and a label each."""
    seen = thinned(len(steps))
    sheets = [tile(steps[i], columns, gap=1, scale=1) for i in seen]
    save_film(path, sheets, [labels[i] for i in seen], about)


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
    return [tile(afar(image, share, 4)[None], 1, scale=1) for share in zoom_shares(count)]


def zoom_shares(count: int) -> list[float]:
    """The share of its size that a picture has in each frame of `zooming`."""
    shares = [1 - 0.8 * i / (count - 1) for i in range(count)]
    return [*shares, *reversed(shares)]
