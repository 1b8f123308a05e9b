"""Styles that mean something: what makes a picture an oil painting, a lithograph, a pencil sketch or a photo.

Each filter takes an RGB picture of any size (made at twice the final resolution) and a `random.Random`,
and returns one.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageChops, ImageEnhance, ImageFilter, ImageOps
from scipy.ndimage import gaussian_filter, gaussian_gradient_magnitude

Filter = Callable[[Image.Image, random.Random], Image.Image]


def _noise(chance: random.Random, shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(chance.getrandbits(32)).standard_normal(shape, dtype=np.float32)


def _picture(values: np.ndarray) -> Image.Image:
    return Image.fromarray(values.clip(0, 255).astype(np.uint8))


def oil_painting(picture: Image.Image, chance: random.Random) -> Image.Image:
    """Strong colours in flat dabs (the commonest colour of each neighbourhood) with raised strokes along
    one slant."""
    dabs = ImageEnhance.Color(picture).enhance(1.3).filter(ImageFilter.ModeFilter(5))
    size = dabs.size[::-1]
    strokes = gaussian_filter(_noise(chance, size), (1.0, 4.5))
    strokes = np.asarray(Image.fromarray(strokes).rotate(chance.choice((-35, 35)), Image.Resampling.BILINEAR))
    relief = 7 * strokes / strokes.std()
    return _picture(np.asarray(dabs, np.float32) * 0.92 + relief[..., None])


def lithograph(picture: Image.Image, chance: random.Random) -> Image.Image:
    """Black ink on grey-white paper: outlines, and shade by hatching whose width follows the darkness."""
    grey = np.asarray(ImageOps.autocontrast(picture.convert("L")), np.float32) / 255
    rows, columns = np.indices(grey.shape)
    phase = (rows + chance.choice((-1, 1)) * columns) * (2 * np.pi / 6)
    ink = 1 / (1 + np.exp(-8 * (0.75 * (1 - grey) + 0.3 * np.sin(phase) - 0.42)))
    edges = gaussian_gradient_magnitude(grey, 1.0)
    tone = np.clip(1 - 0.8 * ink * (grey < 0.93) - 3.0 * edges, 0.06, 0.94)
    return _picture(np.repeat(255 * tone[..., None], 3, axis=2))


def pencil_sketch(picture: Image.Image, chance: random.Random) -> Image.Image:
    """Grey lines on white paper: the picture divided by its own blur, which keeps edges and leaves
    surfaces blank."""
    grey = picture.convert("L")
    blurred = np.asarray(grey.filter(ImageFilter.GaussianBlur(4)), np.float32)
    lines = np.asarray(grey, np.float32) / np.maximum(blurred, 1)
    grain = 1 + 0.05 * _noise(chance, lines.shape)
    return _picture(np.repeat((255 * np.clip(lines, 0, 1) ** 4 * grain)[..., None], 3, axis=2))


def photo(picture: Image.Image, chance: random.Random) -> Image.Image:
    """Light from one side, a little falling off to the corners, and fine grain."""
    width, height = picture.size
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    light = 1 + 0.12 * (chance.choice((-1, 1)) * x - y) * 0.7 - 0.14 * (x * x + y * y)
    soft = np.asarray(picture.filter(ImageFilter.GaussianBlur(0.6)), np.float32)
    return _picture(soft * light[..., None] + 3 * _noise(chance, (height, width, 1)))


def shadowed(picture: Image.Image, alpha: Image.Image, ground: Image.Image) -> Image.Image:
    """The picture's cut-out on a ground with the soft shadow that a solid thing throws."""
    shade = ImageChops.offset(alpha.filter(ImageFilter.GaussianBlur(5)), 3, 6).point(lambda a: int(a * 0.4))
    lit = Image.composite(Image.new("RGB", ground.size, (40, 36, 44)), ground, shade)
    return Image.composite(picture, lit, alpha)


STYLES: dict[str, Filter] = {
    "an oil painting of": oil_painting,
    "a lithograph of": lithograph,
    "a pencil sketch of": pencil_sketch,
    "a photo of": photo,
}
