"""Pictures as data URIs for the report's single file, and animations as sheets of their frames."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageSequence

from fundiff.pictures.metadata import labels_of
from fundiff.pipeline.errors import UserError

FRAMES, PIXELS = 32, 1_100_000  # of an animation, at most; all its frames together
PIXEL_ART = 400  # pixels: pictures up to this width are enlarged without smoothing
SMALL = 160 * 160  # pixels: pictures in colour up to this many are embedded in a quality that looks exact
FINE, QUALITY = 92, 56  # of the WebP of small and of larger ones in colour; grey ones are exact
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
    """An animation as one sheet of all frames but the last, in rows of `columns`; width and height are a frame's.

    rest: the last frame in the quality of a picture; labels: what each frame shows; about: what all show.
    """

    columns: int
    rows: int
    rest: str
    labels: list[str]
    about: str


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Whatever goes wrong with a picture's file inside ends as a UserError: it is missing, or it is no image."""
    try:
        yield
    except FileNotFoundError:
        raise UserError(f"{path}: not found; `dvc repro` makes it") from None
    except Exception:  # a decoder may raise anything for a broken file
        raise UserError(f"{path}: not a readable image; delete it and run `dvc repro`") from None


def image_in(path: Path) -> Image.Image:
    """The image of a file, decoded. Raises UserError where it is missing or no image."""
    with readable(path):
        image = Image.open(path)
        image.load()
        return image


def pixels_in(path: Path) -> np.ndarray:
    """The image of a file as uint8 `[H, W, 3]`. Raises UserError where it is missing or no image."""
    with image_in(path) as image:
        return np.asarray(image.convert("RGB"))


@lru_cache(maxsize=512)
def webp(pixels: bytes, size: tuple[int, int], quality: int | None) -> str:
    """RGB pixels as a data URI. Many pictures are in several figures: each is encoded once."""
    image, buffer = Image.frombytes("RGB", size, pixels), io.BytesIO()
    if quality is None:
        image.save(buffer, "WEBP", lossless=True, quality=50, method=3)
    else:
        image.save(buffer, "WEBP", quality=quality, method=2)  # method 4: 5% smaller, 0.9 s slower
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"


def encoded(pixels: np.ndarray, quality: int | None = None) -> str:
    """Pixels `[H, W]` or `[H, W, 3]` uint8 as a data URI of WebP: exact, or of a quality from 0 to 100."""
    height, width = pixels.shape[:2]
    colour = pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)
    return webp(colour.tobytes(), (width, height), quality)


def grey(pixels: np.ndarray) -> bool:
    """Whether pixels `[H, W]` or `[H, W, 3]` have no colour."""
    return pixels.ndim == 2 or bool((pixels[..., :1] == pixels).all())


@dataclass(frozen=True)
class Animation:
    """An animation's file: its frames as uint8 `[H, W, 3]`, what each of them shows, and what all show."""

    frames: list[np.ndarray]
    labels: list[str]
    about: str


def animation_in(path: Path) -> Animation:
    """The animation of a file, each frame decoded once. Raises UserError where it is missing or no image."""
    with readable(path), Image.open(path) as image:
        frames = [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(image)]
        return Animation(frames, *labels_of(image))


def picture(pixels: np.ndarray) -> Picture:
    """Pixels `[H, W]` or `[H, W, 3]` uint8 as a picture, exact where it is grey."""
    height, width = pixels.shape[:2]
    quality = None if grey(pixels) else FINE if width * height <= SMALL else QUALITY
    return Picture(encoded(pixels, quality), width, height, width <= PIXEL_ART)


def figure(path: Path) -> Picture:
    """A PNG as a picture."""
    return picture(pixels_in(path))


def chosen(count: int, pixels: int) -> list[int]:
    """The indices of the frames that a film shows, of `count` frames of so many pixels: all, or evenly spaced ones."""
    shown = min(count, FRAMES, max(2, PIXELS // pixels))
    return [round(i * (count - 1) / max(1, shown - 1)) for i in range(shown)]


def film(shown: Animation) -> Film:
    """An animation as a film. Each frame gets a border of its own edge pixels, so that no neighbour shows when it is scaled.

    A frame without a label of its own is called by its number.
    """
    frames, count = shown.frames, len(shown.frames)
    seen = chosen(count, frames[0].shape[0] * frames[0].shape[1])
    labels = shown.labels if len(shown.labels) == count else [f"{i + 1} / {count}" for i in range(count)]
    *moving, end = [frames[i] for i in seen]
    moving = moving or [end]
    height, width = end.shape[:2]
    rim = [(1, 1), (1, 1)] + [(0, 0)] * (end.ndim - 2)
    columns = max(1, round((len(moving) * height / width) ** 0.5))
    rows = -(-len(moving) // columns)
    sheet = np.zeros((rows * (height + 2), columns * (width + 2), *end.shape[2:]), np.uint8)
    for i, frame in enumerate(moving):
        y, x = i // columns * (height + 2), i % columns * (width + 2)
        sheet[y : y + height + 2, x : x + width + 2] = np.pad(frame, rim, mode="edge")
    uri = encoded(sheet, NOISE)
    told = [labels[i] for i in seen]
    return Film(uri, width, height, width <= PIXEL_ART, columns, rows, picture(end).uri, told, shown.about)
