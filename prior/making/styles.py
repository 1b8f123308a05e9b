"""Filters that give a picture a style: oil painting, watercolour, pixel art, lithograph, pencil sketch, photo.

Each takes an RGB picture of any size (made at twice the final resolution) and a `random.Random`, and returns one.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageChops, ImageEnhance, ImageFilter, ImageOps
from scipy.ndimage import gaussian_filter, gaussian_gradient_magnitude, uniform_filter

Filter = Callable[[Image.Image, random.Random], Image.Image]


def _noise(chance: random.Random, shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(chance.getrandbits(32)).standard_normal(shape, dtype=np.float32)


def _picture(values: np.ndarray) -> Image.Image:
    return Image.fromarray(values.clip(0, 255).astype(np.uint8))


def box_means(values: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean colour `[H, W, 3]` and variance of brightness `[H, W]` of the box around every pixel."""
    grey = values.mean(-1)
    mean = uniform_filter(values, (size, size, 0), mode="nearest")
    variance = (
        uniform_filter(grey * grey, size, mode="nearest") - uniform_filter(grey, size, mode="nearest") ** 2
    )
    return mean, variance


def dabs(values: np.ndarray, size: int) -> np.ndarray:
    """A Kuwahara filter: every pixel takes the mean of the one of four neighbouring boxes that varies least. Edges are kept."""
    mean, variance = box_means(values, size)
    half = size // 2
    shifts = [(r, c) for r in (-half, half) for c in (-half, half)]
    means = np.stack([np.roll(mean, shift, (0, 1)) for shift in shifts])
    calm = np.stack([np.roll(variance, shift, (0, 1)) for shift in shifts]).argmin(0)
    return np.take_along_axis(means, calm[None, ..., None], 0)[0]


def oil_painting(picture: Image.Image, chance: random.Random) -> Image.Image:
    """Flat dabs of strong colour along brush strokes of one direction, with their relief."""
    values = np.asarray(ImageEnhance.Color(picture).enhance(1.35), np.float32)
    strokes = gaussian_filter(_noise(chance, values.shape[:2]), (1.1, 5.0))
    slant = chance.choice((-40, -20, 25, 45))
    strokes = np.asarray(Image.fromarray(strokes).rotate(slant, Image.Resampling.BILINEAR))
    strokes = strokes / max(1e-6, strokes.std())
    rows, columns = np.indices(strokes.shape)
    moved = [(rows + 1.0 * strokes).round().astype(int), (columns + 1.0 * strokes).round().astype(int)]
    smeared = values[moved[0].clip(0, len(values) - 1), moved[1].clip(0, values.shape[1] - 1)]
    return _picture(dabs(smeared, 5) * 0.96 + 6 * strokes[..., None])


def watercolour(picture: Image.Image, chance: random.Random) -> Image.Image:
    """Pale colours that run over their edges a little and are darker there, on the grain of paper."""
    values = np.asarray(picture, np.float32)
    bend = [2.4 * gaussian_filter(_noise(chance, values.shape[:2]), 5.0) * 12 for _ in range(2)]
    rows, columns = np.indices(values.shape[:2])
    wet = values[(rows + bend[0]).round().astype(int).clip(0, len(values) - 1),
                 (columns + bend[1]).round().astype(int).clip(0, values.shape[1] - 1)]  # fmt: skip
    wash = dabs(wet, 7)
    rim = np.abs(wash.mean(-1) - gaussian_filter(wash.mean(-1), 2.5))[..., None]
    bloom = gaussian_filter(_noise(chance, values.shape[:2]), 9.0) * 110
    paper = 3.0 * gaussian_filter(_noise(chance, values.shape[:2]), 0.8)
    return _picture(255 - (255 - wash) * (0.76 + 0.008 * bloom[..., None]) - 0.9 * rim + 2 * paper[..., None])


def pixel_art(picture: Image.Image, chance: random.Random) -> Image.Image:
    """Squares of a few flat colours, about sixteen to a side."""
    side = chance.choice((16, 16, 21))
    small = picture.resize((side, side), Image.Resampling.BOX)
    few = small.quantize(chance.choice((8, 12)), Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    return few.convert("RGB").resize(picture.size, Image.Resampling.NEAREST)


def lithograph(picture: Image.Image, chance: random.Random) -> Image.Image:
    """Black crayon on pale paper: the darker the picture, the denser the grain; firm outlines."""
    grey = np.asarray(ImageOps.autocontrast(picture.convert("L"), 1), np.float32) / 255
    grain = gaussian_filter(_noise(chance, grey.shape), 0.7)
    grain = grain / grain.std()
    ink = 1 / (1 + np.exp(9 * (grey - 0.5) - 1.1 * grain))
    edges = gaussian_gradient_magnitude(grey, 1.0)
    tone = np.clip(0.95 - 0.8 * ink * (grey < 0.95) - 2.6 * edges, 0.05, 0.96)
    return _picture(np.repeat(255 * tone[..., None], 3, axis=2))


def pencil_sketch(picture: Image.Image, chance: random.Random) -> Image.Image:
    """Grey lines on white paper: the picture divided by its own blur. Only edges are left."""
    grey = picture.convert("L")
    blurred = np.asarray(grey.filter(ImageFilter.GaussianBlur(4)), np.float32)
    lines = np.asarray(grey, np.float32) / np.maximum(blurred, 1)
    grain = 1 + 0.05 * _noise(chance, lines.shape)
    return _picture(np.repeat((255 * np.clip(lines, 0, 1) ** 4 * grain)[..., None], 3, axis=2))


def photo(picture: Image.Image, chance: random.Random) -> Image.Image:
    """Light from one side, darker corners, and fine grain."""
    width, height = picture.size
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    light = 1 + 0.12 * (chance.choice((-1, 1)) * x - y) * 0.7 - 0.14 * (x * x + y * y)
    soft = np.asarray(picture.filter(ImageFilter.GaussianBlur(0.6)), np.float32)
    return _picture(soft * light[..., None] + 3 * _noise(chance, (height, width, 1)))


def shadowed(picture: Image.Image, alpha: Image.Image, ground: Image.Image) -> Image.Image:
    """The cut-out of a picture on a ground, with a soft shadow."""
    shade = ImageChops.offset(alpha.filter(ImageFilter.GaussianBlur(5)), 3, 6).point(lambda a: int(a * 0.4))
    lit = Image.composite(Image.new("RGB", ground.size, (40, 36, 44)), ground, shade)
    return Image.composite(picture, lit, alpha)


STYLES: dict[str, Filter] = {
    "an oil painting of": oil_painting,
    "a lithograph of": lithograph,
    "a pencil sketch of": pencil_sketch,
    "a watercolor painting of": watercolour,
    "a pixel art of": pixel_art,
    "a photo of": photo,
}
GREY = ("a lithograph of", "a pencil sketch of")  # styles without colours
