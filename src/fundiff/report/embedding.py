"""Pictures as data URIs for the report's single file, and animations as sheets of their frames."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
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


def frames_of(path: Path) -> list[np.ndarray]:
    """All frames of an animation as uint8 `[H, W, 3]`."""
    with image_in(path) as image:
        return [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(image)]


def picture(pixels: np.ndarray) -> Picture:
    """Pixels `[H, W]` or `[H, W, 3]` uint8 as a picture, exact where it is grey."""
    height, width = pixels.shape[:2]
    quality = None if grey(pixels) else FINE if width * height <= SMALL else QUALITY
    image = Image.fromarray(np.ascontiguousarray(pixels))
    return Picture(encoded(image, quality), width, height, width <= PIXEL_ART)


def figure(path: Path) -> Picture:
    """A PNG as a picture."""
    with image_in(path) as image:
        return picture(np.asarray(image.convert("RGB")))


def chosen(count: int, pixels: int) -> list[int]:
    """The indices of the frames that a film shows, of `count` frames of so many pixels: all, or evenly spaced ones."""
    shown = min(count, FRAMES, max(2, PIXELS // pixels))
    return [round(i * (count - 1) / max(1, shown - 1)) for i in range(shown)]


def film(frames: Sequence[np.ndarray], labels: Sequence[str] = (), about: str = "") -> Film:
    """Frames as a film. Each gets a border of its own edge pixels, so that no neighbour shows when it is scaled.

    labels: what each frame shows, the frame's number where there are none; about: what all show.
    """
    seen = chosen(len(frames), frames[0].shape[0] * frames[0].shape[1])
    labels = (
        labels if len(labels) == len(frames) else [f"{i + 1} / {len(frames)}" for i in range(len(frames))]
    )
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
    uri = encoded(Image.fromarray(sheet), NOISE)
    told = [labels[i] for i in seen]
    return Film(uri, width, height, width <= PIXEL_ART, columns, rows, picture(end).uri, told, about)


def film_of(path: Path) -> Film:
    """An animation's file as a film."""
    with image_in(path) as image:
        labels, about = labels_of(image)
    return film(frames_of(path), labels, about)
