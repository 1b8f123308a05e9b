"""Pictures for the report's one file: data URIs, and animations as sheets of their frames."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageSequence

from fundiff.pipeline.errors import UserError

FRAMES = 32  # of an animation, at most
PIXEL_ART = 400  # pixels: pictures up to this width are enlarged without smoothing
HEAVY = 250_000  # bytes: a larger PNG is embedded as WebP of high quality


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


def opened(path: Path) -> Image.Image:
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


def data_uri(content: bytes, kind: str) -> str:
    """Bytes as a data URI of an image kind."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}"


def encoded(image: Image.Image) -> str:
    """An image as a data URI: PNG where it is grey or small, else WebP of high quality."""
    buffer = io.BytesIO()
    if image.mode == "L" or image.width * image.height <= 256 * 256:
        image.save(buffer, "PNG", optimize=False)
        return data_uri(buffer.getvalue(), "png")
    image.save(buffer, "WEBP", quality=80, method=2)
    return data_uri(buffer.getvalue(), "webp")


def unscaled(frames: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Frames `[H, W, C]` without an enlargement by whole pixels, which a browser does for nothing."""
    for k in (8, 4, 3, 2):
        if all(
            np.array_equal(f, f[::k, ::k].repeat(k, 0).repeat(k, 1)[: f.shape[0], : f.shape[1]])
            for f in frames
        ):
            return [f[::k, ::k] for f in frames]
    rows, columns = (firsts(frames, axis) for axis in (0, 1))
    return [f[rows][:, columns] for f in frames]


def firsts(frames: Sequence[np.ndarray], axis: int) -> np.ndarray:
    """The first of every run of equal lines, where all runs are short: tiles enlarged, the gap between them not."""
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
    with opened(path) as image:
        frames = [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(image)]
    if all((f[..., :1] == f).all() for f in frames):
        frames = [f[..., 0] for f in frames]
    return unscaled(frames)


def beside(paths: Sequence[Path], gap: int = 2) -> np.ndarray:
    """Images of one height side by side, as uint8 `[H, W, 3]`, with a grey gap between them."""
    pixels = []
    for path in paths:
        with opened(path) as image:
            pixels.append(np.asarray(image.convert("RGB")))
    space = np.full((pixels[0].shape[0], gap, 3), 128, np.uint8)
    return np.concatenate([part for p in pixels for part in (p, space)][:-1], axis=1)


def picture(pixels: np.ndarray) -> Picture:
    """Pixels `[H, W]` or `[H, W, 3]` as a picture."""
    height, width = pixels.shape[:2]
    return Picture(encoded(Image.fromarray(np.ascontiguousarray(pixels))), width, height, width <= PIXEL_ART)


def figure(path: Path) -> Picture:
    """A PNG as a picture: its own bytes, unless they are heavy."""
    with opened(path) as image:
        width, height = image.size
        content = path.read_bytes()
        uri = data_uri(content, "png") if len(content) <= HEAVY else ""
        if not uri:
            buffer = io.BytesIO()
            image.convert("RGB").save(buffer, "WEBP", quality=88, method=2)
            uri = data_uri(buffer.getvalue(), "webp")
    return Picture(uri, width, height, width <= PIXEL_ART)


def film(frames: Sequence[np.ndarray]) -> Film:
    """Frames as a film. Each has a rim of its own border pixels, so that no neighbour shines in."""
    if len(frames) > FRAMES:
        frames = [frames[round(i * (len(frames) - 1) / (FRAMES - 1))] for i in range(FRAMES)]
    height, width = frames[0].shape[:2]
    rim = [(1, 1), (1, 1)] + [(0, 0)] * (frames[0].ndim - 2)
    columns = max(1, round((len(frames) * height / width) ** 0.5))
    rows = -(-len(frames) // columns)
    sheet = np.zeros((rows * (height + 2), columns * (width + 2), *frames[0].shape[2:]), np.uint8)
    for i, frame in enumerate(frames):
        y, x = i // columns * (height + 2), i % columns * (width + 2)
        sheet[y : y + height + 2, x : x + width + 2] = np.pad(frame, rim, mode="edge")
    sharp = width <= PIXEL_ART
    return Film(encoded(Image.fromarray(sheet)), width, height, sharp, columns, rows, len(frames))
