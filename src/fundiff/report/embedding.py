"""Pictures as data URIs for the report's single file, and animations as sheets of their frames."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageSequence

from fundiff.pipeline.errors import UserError

FRAMES = 16  # of an animation, at most
PIXEL_ART = 400  # pixels: pictures up to this width are enlarged without smoothing
SMALL = 160 * 160  # pixels: pictures up to this many, and grey ones, are embedded exactly
QUALITY = 56  # of the WebP of larger ones in colour
NOISE = 16  # of films: most of their frames are noise, which costs most and shows least


@dataclass(frozen=True)
class Picture:
    """An image as a data URI, its size in pixels, and whether pixels should stay sharp when enlarged."""

    uri: str
    width: int
    height: int
    sharp: bool


@dataclass(frozen=True)
class Film(Picture):
    """An animation as one sheet of `count` frames in rows of `columns`; width and height are a frame's."""

    columns: int
    rows: int
    count: int


def image_in(path: Path) -> Image.Image:
    """The image of a file, all frames of which can be read. Raises UserError where it is missing or no image."""
    try:
        image = Image.open(path)
        for frame in ImageSequence.Iterator(image):
            frame.load()
        image.seek(0)
        return image
    except FileNotFoundError:
        raise UserError(f"{path}: not found; `dvc repro` makes it") from None
    except Exception:  # a decoder may raise anything for a broken file
        raise UserError(f"{path}: not a readable image; delete it and run `dvc repro`") from None


def encoded(image: Image.Image, quality: int | None = None) -> str:
    """An image as a data URI of WebP: exact, or of a quality from 0 to 100."""
    buffer = io.BytesIO()
    if quality is None:
        image.convert("RGB").save(buffer, "WEBP", lossless=True, quality=50, method=3)
    else:
        image.convert("RGB").save(buffer, "WEBP", quality=quality, method=4)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"


def grey(pixels: np.ndarray) -> bool:
    """Whether pixels `[H, W]` or `[H, W, 3]` have no colour."""
    return pixels.ndim == 2 or bool((pixels[..., :1] == pixels).all())


def unscaled(frames: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Frames `[H, W, C]` in their true pixels: an enlargement by a whole number is undone, since the browser enlarges."""
    for k in (8, 4, 3, 2):
        if all(
            np.array_equal(f, f[::k, ::k].repeat(k, 0).repeat(k, 1)[: f.shape[0], : f.shape[1]])
            for f in frames
        ):
            return [f[::k, ::k] for f in frames]
    rows, columns = (firsts(frames, axis) for axis in (0, 1))
    return [f[rows][:, columns] for f in frames]


def firsts(frames: Sequence[np.ndarray], axis: int) -> np.ndarray:
    """The indices of the first line of each run of equal lines along an axis; all lines if some run is long.

    So tiles that were enlarged lose their copies, and the gap between them stays.
    """
    changes = np.any(
        [
            np.diff(f, axis=axis).any(axis=tuple({0, 1, 2}.intersection(range(f.ndim)) - {axis}))
            for f in frames
        ],
        0,
    )
    starts = np.concatenate([[0], np.flatnonzero(changes) + 1])
    count = frames[0].shape[axis]
    short = np.diff([*starts, count]).max() <= 8 and len(starts) < 0.6 * count
    return starts if short else np.arange(count)


def frames_of(path: Path) -> list[np.ndarray]:
    """All frames of an animation as uint8 `[H, W]` or `[H, W, 3]`, in their true pixels."""
    with image_in(path) as image:
        frames = [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(image)]
    if all(map(grey, frames)):
        frames = [f[..., 0] for f in frames]
    return unscaled(frames)


def picture(pixels: np.ndarray) -> Picture:
    """Pixels `[H, W]` or `[H, W, 3]` uint8 as a picture; the copy is exact if it is small or grey."""
    height, width = pixels.shape[:2]
    exact = width * height <= SMALL or grey(pixels)
    image = Image.fromarray(np.ascontiguousarray(pixels))
    return Picture(encoded(image, None if exact else QUALITY), width, height, width <= PIXEL_ART)


def figure(path: Path) -> Picture:
    """A PNG as a picture."""
    with image_in(path) as image:
        return picture(np.asarray(image.convert("RGB")))


def chosen(count: int) -> list[int]:
    """The indices of the frames that a film shows, of `count`: all, or FRAMES of them evenly spaced."""
    shown = min(count, FRAMES)
    return [round(i * (count - 1) / max(1, shown - 1)) for i in range(shown)]


def film(frames: Sequence[np.ndarray]) -> Film:
    """Frames as a film. Each gets a border of its own edge pixels, so that no neighbour shows when it is scaled."""
    frames = [frames[i] for i in chosen(len(frames))]
    height, width = frames[0].shape[:2]
    rim = [(1, 1), (1, 1)] + [(0, 0)] * (frames[0].ndim - 2)
    columns = max(1, round((len(frames) * height / width) ** 0.5))
    rows = -(-len(frames) // columns)
    sheet = np.zeros((rows * (height + 2), columns * (width + 2), *frames[0].shape[2:]), np.uint8)
    for i, frame in enumerate(frames):
        y, x = i // columns * (height + 2), i % columns * (width + 2)
        sheet[y : y + height + 2, x : x + width + 2] = np.pad(frame, rim, mode="edge")
    sharp = width <= PIXEL_ART
    return Film(encoded(Image.fromarray(sheet), NOISE), width, height, sharp, columns, rows, len(frames))
