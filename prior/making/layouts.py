"""Layouts of a picture: one thing, several, two in a relation, one on a ground. Canvases are `compose.SIDE` wide."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
from PIL import Image

from prior.making.colours import recoloured
from prior.making.compose import PALE, WHITE, Library, gradient, ground, place, shade
from prior.making.grounds import Ground, dimmed
from prior.making.styles import shadowed
from prior.making.warps import warped
from prior.making.words import Noun, adjective

WHITE_SHARE, WARPED_SHARE, TILTED_SHARE = 0.5, 0.6, 0.3
FRONTAL = (
    "dog face", "cat face", "cow face", "pig face", "mouse face", "tiger face", "rabbit face", "fox", "lion", "bear",
    "panda", "koala", "frog", "penguin", "owl", "hamster", "polar bear", "monkey face", "snowman without snow",
)  # fmt: skip
WORN = {"a hat": ("top hat", "woman’s hat"), "a crown": ("crown",), "a cap": ("billed cap",),
        "a graduation cap": ("graduation cap",)}  # fmt: skip


def cut(picture: Image.Image) -> Image.Image:
    """A picture cropped to its opaque part."""
    return picture.crop(picture.getchannel("A").point(lambda a: 255 * (a > 24)).getbbox())


def varied(drawing: Image.Image, chance: random.Random, mirrors: bool) -> Image.Image:
    """A drawing that is randomly mirrored, bent and turned a little, or left as it is."""
    if mirrors and chance.random() < 0.5:
        drawing = drawing.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if chance.random() < WARPED_SHARE:
        drawing = cut(Image.fromarray(warped(np.asarray(drawing), chance)))
    if chance.random() < TILTED_SHARE:
        drawing = cut(drawing.rotate(chance.uniform(-10, 10), Image.Resampling.BICUBIC, expand=True))
    return drawing


def coloured(drawing: Image.Image, colour: str) -> Image.Image:
    """A drawing recoloured to a named colour; "" leaves it as it is."""
    return Image.fromarray(recoloured(np.asarray(drawing), colour)) if colour else drawing


def thing(
    library: Library, noun: Noun, chance: random.Random, colour: str = "", set_of: str = ""
) -> Image.Image:
    """A varied cut-out of a noun in a named colour or its own (""), from the set `set_of` if that draws it."""
    return varied(coloured(library.draw(noun, chance, set_of), colour), chance, noun.mirrors)


def plain(chance: random.Random, deep: bool = False) -> Image.Image:
    """A plain ground: white, one pale colour, or a colour that grows darker downwards."""
    if not deep and chance.random() < WHITE_SHARE:
        return ground(WHITE)
    pale = chance.choice(PALE)
    if not deep and chance.random() < 0.6:
        return ground(pale)
    low = chance.uniform(0.35, 0.9)
    return gradient(shade(pale, chance.uniform(low, 1)), shade(pale, low))


def whitish(drawing: Image.Image) -> bool:
    """Whether most of a cut-out is nearly white, so that it would not be seen on white."""
    values = np.asarray(drawing)
    solid = values[values[..., 3] > 128][:, :3]
    return len(solid) > 0 and float((solid.min(axis=1) > 200).mean()) > 0.6


def foot_of(drawing: Image.Image, size: float, middle: float) -> float:
    """The y of the lower edge of a drawing whose longer side is `size` and whose middle is at y = `middle`."""
    return middle + size * drawing.height / max(drawing.size) / 2


def single(drawing: Image.Image, chance: random.Random, photo: bool) -> Image.Image:
    """One thing in the middle of a plain ground. A photo shows it a little smaller and with a shadow."""
    deep = photo or whitish(drawing)
    canvas, size = plain(chance, deep), chance.uniform(86, 120)
    x, foot = chance.uniform(58, 70), foot_of(drawing, size, 64) + chance.uniform(-4, 4)
    layer = Image.new("RGBA", canvas.size)
    place(layer, drawing, x, foot, size * (0.9 if photo else 1))
    if photo:
        return shadowed(layer.convert("RGB"), layer.getchannel("A"), canvas.convert("RGB"))
    canvas.alpha_composite(layer)
    return canvas.convert("RGB")


PLACES: dict[int, list[tuple[tuple[float, float], ...]]] = {
    2: [((36, 64), (92, 64))],
    3: [((23, 64), (64, 64), (105, 64)), ((64, 36), (34, 94), (94, 94))],
    4: [((36, 36), (92, 36), (36, 94), (92, 94))],
}
SIZES = {2: (50, 60), 3: (38, 46), 4: (42, 52)}


def several(drawings: Sequence[Image.Image], chance: random.Random) -> Image.Image:
    """Two, three or four things, apart from each other, on a plain ground."""
    canvas = plain(chance, any(whitish(d) for d in drawings))
    size = chance.uniform(*SIZES[len(drawings)])
    for drawing, (x, y) in zip(drawings, chance.choice(PLACES[len(drawings)]), strict=True):
        own = size * chance.uniform(0.92, 1.06)
        place(
            canvas, drawing, x + chance.uniform(-3, 3), foot_of(drawing, own, y) + chance.uniform(-4, 4), own
        )
    return canvas.convert("RGB")


def beside(one: Image.Image, other: Image.Image, canvas: Image.Image, chance: random.Random) -> None:
    """One thing left, the other right, on the same level."""
    foot = chance.uniform(96, 112)
    for drawing, x in ((one, 35), (other, 93)):
        place(
            canvas, drawing, x + chance.uniform(-3, 3), foot + chance.uniform(-3, 3), chance.uniform(50, 62)
        )


def above(
    top: Image.Image, below: Image.Image, canvas: Image.Image, chance: random.Random, gap: float
) -> None:
    """`top` above `below` with `gap` canvas pixels between them; with a negative gap they overlap."""
    x, size = chance.uniform(58, 70), chance.uniform(56, 66)
    height = size * below.height / max(below.size)
    upper = min(chance.uniform(44, 58), (116 - height - gap) * max(top.size) / top.height)
    tall = upper * top.height / max(top.size)
    foot = 64 + (height + gap + tall) / 2
    place(canvas, below, x, foot, size)
    place(canvas, top, x + chance.uniform(-5, 5), foot - height - gap, upper)


def in_front(near: Image.Image, far: Image.Image, canvas: Image.Image, chance: random.Random) -> None:
    """`near`, smaller and lower, covers a part of `far`."""
    side = chance.choice((-1, 1))
    place(canvas, far, 64 - side * chance.uniform(6, 14), 108, chance.uniform(86, 100))
    place(canvas, near, 64 + side * chance.uniform(14, 26), chance.uniform(118, 124), chance.uniform(44, 56))


RELATIONS = {
    "next to": lambda a, b, canvas, chance: beside(a, b, canvas, chance),
    "beside": lambda a, b, canvas, chance: beside(a, b, canvas, chance),
    "and": lambda a, b, canvas, chance: beside(a, b, canvas, chance),
    "on": lambda a, b, canvas, chance: above(a, b, canvas, chance, -chance.uniform(3, 7)),
    "on top of": lambda a, b, canvas, chance: above(a, b, canvas, chance, -chance.uniform(3, 7)),
    "above": lambda a, b, canvas, chance: above(a, b, canvas, chance, chance.uniform(5, 9)),
    "under": lambda a, b, canvas, chance: above(b, a, canvas, chance, chance.uniform(2, 6)),
    "in front of": in_front,
    "behind": lambda a, b, canvas, chance: in_front(b, a, canvas, chance),
}  # fmt: skip


def related(one: Image.Image, other: Image.Image, relation: str, chance: random.Random) -> Image.Image:
    """Two things; the first stands in the named relation to the second."""
    canvas = plain(chance, whitish(one) or whitish(other))
    RELATIONS[relation](one, other, canvas, chance)
    return canvas.convert("RGB")


def wearing(library: Library, noun: Noun, worn: str, chance: random.Random, colour: str) -> Image.Image:
    """Someone who faces the viewer with something on the head; the noun has a concept in FRONTAL."""
    concepts = [concept for concept in noun.concepts if concept in FRONTAL and concept in library.rows]
    body, hat = library.pick(chance, *concepts), coloured(library.pick(chance, *WORN[worn]), colour)
    canvas, size, x = plain(chance, whitish(body)), chance.uniform(74, 82), chance.uniform(60, 68)
    height = size * body.height / max(body.size)
    place(canvas, body, x, 120, size)
    wide = (
        chance.uniform(40, 50) * hat.width / max(hat.size)
        if hat.height > hat.width
        else chance.uniform(40, 50)
    )
    place(canvas, hat, x, 120 - height + chance.uniform(9, 14), wide)
    return canvas.convert("RGB")


def placed(library: Library, drawing: Image.Image, where: Ground, chance: random.Random) -> Image.Image:
    """A thing on a ground, with the ground's light."""
    canvas = where.draw(library, chance)
    size = chance.uniform(58, 84)
    place(canvas, dimmed(drawing, where.light), chance.uniform(46, 82), chance.uniform(104, 116), size)
    return canvas.convert("RGB")


def named(name: str, colour: str) -> str:
    """A name with its colour before it, if any."""
    return adjective(colour, name) if colour else name
