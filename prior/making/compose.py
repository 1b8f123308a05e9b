"""Composition of pictures from cut-outs: grounds, placing, and a few shapes drawn in code.

Everything is drawn at twice the final resolution and halved at the end, so that edges come out smooth.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from prior.making.sketches import SKETCHES, Colour, shade, sketched
from prior.making.words import Noun

SIDE = 128  # pixels: width and height of a canvas; a picture is half as wide
FLUENT_3D = "fluent-emoji-3d"  # the set whose drawings look solid
WHITE: Colour = (255, 255, 255)
PALE: tuple[Colour, ...] = (
    (255, 236, 200),
    (206, 232, 252),
    (214, 244, 214),
    (252, 216, 220),
    (232, 220, 248),
    (224, 224, 226),
)


class Library:
    """Cut-outs `[N, 64, 64, 4]` uint8 with the concept and the set of each row."""

    def __init__(self, pixels: np.ndarray, concepts: Sequence[str], sets: Sequence[str]):
        self.pixels = pixels
        self.sets = sets
        self.rows: dict[str, list[int]] = {}
        for row, concept in enumerate(concepts):
            self.rows.setdefault(concept, []).append(row)

    def rows_of(self, noun: Noun) -> list[int]:
        """The rows of all concepts of a noun."""
        return [row for concept in noun.concepts for row in self.rows.get(concept, ())]

    def pick(self, chance: random.Random, *concepts: str) -> Image.Image:
        """A drawing of one of the concepts; every drawing is equally likely."""
        return self.at(chance.choice([row for concept in concepts for row in self.rows[concept]]))

    def draw(self, noun: Noun, chance: random.Random, set_of: str = "") -> Image.Image:
        """A drawing of a noun, from the set `set_of` if that has one; with few drawings it is often sketched in code."""
        rows = self.rows_of(noun)
        if noun.name in SKETCHES and chance.random() >= min(0.3, 0.1 * len(rows)):
            return sketched(noun.name, chance)
        return self.at(chance.choice([row for row in rows if self.sets[row] == set_of] or rows))

    def at(self, row: int) -> Image.Image:
        """The drawing in one row, cropped to its opaque part."""
        picture = Image.fromarray(self.pixels[row])
        return picture.crop(picture.getchannel("A").getbbox())


def place(
    canvas: Image.Image, drawing: Image.Image, x: float, y: float, size: float, mirror: bool = False
) -> None:
    """Paste a drawing on the canvas: `size` is its longer side, x its centre and y its lower edge, all in canvas pixels."""
    scale = size / max(drawing.size)
    drawing = drawing.resize([max(1, round(s * scale)) for s in drawing.size], Image.Resampling.LANCZOS)
    if mirror:
        drawing = drawing.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    # alpha_composite refuses negative places, so a part outside on the left or the top is cut off first.
    left, top = round(x - drawing.width / 2), round(y - drawing.height)
    drawing = drawing.crop((max(0, -left), max(0, -top), drawing.width, drawing.height))
    canvas.alpha_composite(drawing, (max(0, left), max(0, top)))


def ground(colour: Colour = WHITE) -> Image.Image:
    """A canvas of one colour."""
    return Image.new("RGBA", (SIDE, SIDE), (*colour, 255))


def gradient(top: Colour, bottom: Colour, until: float = 1.0) -> Image.Image:
    """A canvas that changes from `top` at the upper edge to the second colour at the share `until` of its height."""
    share = np.linspace(0, 1 / until, SIDE).clip(0, 1)[:, None, None]
    rows = (1 - share) * np.array(top) + share * np.array(bottom)
    return Image.fromarray(np.broadcast_to(rows, (SIDE, SIDE, 3)).astype(np.uint8)).convert("RGBA")


def mountain(canvas: Image.Image, x: float, foot: float, width: float, height: float, rock: Colour) -> None:
    """A mountain with a snow cap, its right side in shade."""
    draw = ImageDraw.Draw(canvas)
    peak = (x, foot - height)
    draw.polygon([peak, (x - width / 2, foot), (x + width / 2, foot)], fill=rock)
    draw.polygon([peak, (x + width * 0.1, foot), (x + width / 2, foot)], fill=shade(rock, 0.82))
    cap = 0.42
    left, right, low = x - width / 2 * cap, x + width / 2 * cap, foot - height * (1 - cap)
    zigzag = [(left, low), (x - width * 0.1, low - height * 0.1), (x, low + height * 0.04)]
    draw.polygon([peak, *zigzag, (x + width * 0.1, low - height * 0.09), (right, low)], fill=(250, 252, 255))


def house(
    canvas: Image.Image, x: float, foot: float, size: float, wall: Colour, roof: Colour, windows: int = 2
) -> None:
    """A house with a pitched roof, seen from the front."""
    draw = ImageDraw.Draw(canvas)
    half, height = size / 2, size * 0.62
    draw.rectangle([x - half, foot - height, x + half, foot], fill=wall)
    draw.polygon(
        [(x - half * 1.2, foot - height), (x, foot - height - size * 0.5), (x + half * 1.2, foot - height)],
        fill=roof,
        outline=shade(wall, 0.6),  # without it a white roof would not show on white ground
        width=2,
    )
    pane = size * 0.18
    for i in range(windows):
        at = x - half + (i + 0.7) * size / (windows + 0.4)
        draw.rectangle(
            [at - pane / 2, foot - height * 0.75, at + pane / 2, foot - height * 0.4], fill=(255, 214, 110)
        )
    draw.rectangle([x - pane * 0.6, foot - height * 0.33, x + pane * 0.6, foot], fill=shade(wall, 0.55))


def sitter(
    canvas: Image.Image,
    x: float,
    foot: float,
    size: float,
    skin: Colour,
    coat: Colour,
    hair: Colour,
    side: int,
) -> None:
    """A person who sits on the ground, the legs towards `side` (-1 left, 1 right); `size` from foot to crown."""
    draw = ImageDraw.Draw(canvas)
    head, neck, half = size * 0.19, foot - size * 0.62, size * 0.24
    trousers, shoe = shade(coat, 0.45), x + side * size * 0.55
    draw.line(
        [x, foot - size * 0.1, x + side * size * 0.3, foot - size * 0.3],
        fill=trousers,
        width=round(size * 0.17),
    )
    draw.line(
        [x + side * size * 0.3, foot - size * 0.3, shoe, foot - size * 0.03],
        fill=trousers,
        width=round(size * 0.14),
    )
    draw.rounded_rectangle([x - half, neck - size * 0.02, x + half, foot], radius=size * 0.14, fill=coat)
    draw.line(
        [x, neck + size * 0.14, x + side * size * 0.4, neck + size * 0.26],
        fill=shade(coat, 0.8),
        width=round(size * 0.12),
    )
    top = neck - 2 * head
    draw.ellipse([x - head, top, x + head, neck + size * 0.02], fill=skin)
    draw.chord([x - head * 1.1, top - head * 0.2, x + head * 1.1, neck], 180, 360, fill=hair)


def snowed(drawing: Image.Image) -> Image.Image:
    """A drawing with snow on it: white lies on every edge that faces the sky."""
    values = np.asarray(drawing).copy()
    covered = np.cumsum(values[..., 3] > 128, axis=0)
    top = (covered > 0) & (covered <= max(2, values.shape[0] // 7))
    values[top, :3] = (0.15 * values[top, :3] + 0.85 * 252).astype(np.uint8)
    return Image.fromarray(values)
