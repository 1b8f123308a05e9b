"""Grounds drawn in code, on which things are placed. Each call draws a new one."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance
from scipy.ndimage import gaussian_filter1d

from prior.making.compose import SIDE, Colour, Library, gradient, place, shade

Draw = Callable[[Library, random.Random], Image.Image]


def hill(canvas: Image.Image, chance: random.Random, top: float, colour: Colour, rough: float = 5) -> None:
    """Draw land from a wavy line at about `top` down to the lower edge of the canvas."""
    noise = np.random.default_rng(chance.getrandbits(32)).standard_normal(SIDE * 2)
    line = gaussian_filter1d(noise, 14)[SIDE // 2 : SIDE // 2 + SIDE]
    line = top + rough * line / max(1e-6, np.abs(line).max())
    points = [(0, SIDE), *((x, float(y)) for x, y in enumerate(line)), (SIDE, SIDE)]
    ImageDraw.Draw(canvas).polygon(points, fill=colour)


def dots(canvas: Image.Image, chance: random.Random, count: int, box: tuple[int, int], colours: list[Colour],
         radius: tuple[float, float]) -> None:  # fmt: skip
    """Draw `count` small discs (flakes, stars, flowers) in a box."""
    draw = ImageDraw.Draw(canvas)
    for _ in range(count):
        x, y, r = chance.uniform(0, SIDE), chance.uniform(*box), chance.uniform(*radius)
        draw.ellipse([x - r, y - r, x + r, y + r], fill=chance.choice(colours))


def snow(library: Library, chance: random.Random) -> Image.Image:
    """Snowy hills under a pale sky, evergreens, falling flakes."""
    canvas = gradient(
        chance.choice([(150, 190, 226), (186, 206, 226), (120, 170, 220)]), (228, 238, 248), 0.6
    )
    for x in chance.sample((12, 40, 90, 116), chance.choice((0, 1, 2, 3))):
        place(
            canvas, library.pick(chance, "evergreen tree"), x, chance.uniform(74, 84), chance.uniform(24, 40)
        )
    hill(canvas, chance, chance.uniform(66, 84), (232, 240, 250))
    hill(canvas, chance, chance.uniform(90, 100), (248, 251, 255))
    dots(canvas, chance, chance.choice((0, 20, 40)), (0, SIDE), [(255, 255, 255)], (0.8, 1.8))
    return canvas


def night(library: Library, chance: random.Random) -> Image.Image:
    """Stars, a moon and dark land."""
    canvas = gradient(chance.choice([(8, 12, 40), (20, 16, 56), (12, 24, 56)]), (44, 52, 104))
    dots(canvas, chance, 26, (0, 90), [(250, 246, 214), (210, 220, 255)], (0.6, 1.5))
    if chance.random() < 0.6:
        x, y, r = chance.uniform(16, 112), chance.uniform(14, 34), chance.uniform(8, 13)
        ImageDraw.Draw(canvas).ellipse([x - r, y - r, x + r, y + r], fill=(248, 240, 200))
    hill(canvas, chance, chance.uniform(86, 104), chance.choice([(20, 34, 40), (28, 28, 48), (24, 40, 34)]))
    return canvas


def sea(library: Library, chance: random.Random) -> Image.Image:
    """Water to the horizon."""
    canvas = gradient(
        chance.choice([(110, 180, 236), (150, 206, 246), (240, 190, 150)]), (226, 240, 250), 0.5
    )
    water, top = chance.choice([(30, 110, 180), (24, 140, 186), (50, 90, 150)]), chance.uniform(54, 74)
    draw = ImageDraw.Draw(canvas)
    draw.rectangle([0, top, SIDE, SIDE], fill=water)
    for _ in range(22):
        x, y = chance.uniform(-8, SIDE), chance.uniform(top + 3, SIDE)
        draw.line([x, y, x + chance.uniform(5, 16), y], fill=shade(water, 1.45), width=2)
    return canvas


def beach(library: Library, chance: random.Random) -> Image.Image:
    """Sand in front of the sea."""
    canvas = sea(library, chance)
    hill(canvas, chance, chance.uniform(86, 96), (238, 214, 160), 3)
    return canvas


def meadow(library: Library, chance: random.Random) -> Image.Image:
    """Green hills with flowers."""
    canvas = gradient(
        chance.choice([(120, 190, 240), (160, 212, 246), (250, 214, 170)]), (232, 244, 250), 0.6
    )
    green = chance.choice([(110, 180, 80), (90, 160, 70), (140, 190, 80)])
    hill(canvas, chance, chance.uniform(60, 78), shade(green, 0.85), 8)
    hill(canvas, chance, chance.uniform(80, 96), green)
    flowers: list[Colour] = [(250, 250, 250), (250, 220, 70), (236, 110, 140), (170, 110, 220)]
    dots(canvas, chance, chance.choice((0, 16, 36)), (94, SIDE), flowers, (1, 2))
    return canvas


def city(library: Library, chance: random.Random) -> Image.Image:
    """A street in front of lit towers."""
    canvas = gradient(
        chance.choice([(140, 190, 230), (196, 210, 224), (246, 200, 160)]), (232, 238, 244), 0.8
    )
    draw, x = ImageDraw.Draw(canvas), -4.0
    while x < SIDE:
        wide, top = chance.uniform(14, 26), chance.uniform(14, 66)
        wall = chance.choice([(110, 124, 146), (150, 140, 136), (92, 104, 126), (176, 150, 130)])
        draw.rectangle([x, top, x + wide - 2, 100], fill=wall)
        for wx in range(int(x) + 3, int(x + wide) - 5, 6):
            for wy in range(int(top) + 5, 94, 9):
                draw.rectangle(
                    [wx, wy, wx + 2, wy + 4], fill=chance.choice([(250, 226, 150), shade(wall, 0.7)])
                )
        x += wide
    draw.rectangle([0, 98, SIDE, SIDE], fill=chance.choice([(96, 98, 104), (130, 130, 134)]))
    draw.rectangle([0, 98, SIDE, 102], fill=(186, 186, 188))
    return canvas


def room(library: Library, chance: random.Random) -> Image.Image:
    """A wall with a window, and a floor."""
    wall = chance.choice(
        [(226, 206, 180), (190, 210, 206), (216, 190, 200), (206, 206, 226), (236, 226, 190)]
    )
    canvas, top = gradient(wall, shade(wall, 0.9)), chance.uniform(86, 98)
    draw = ImageDraw.Draw(canvas)
    floor = chance.choice([(160, 110, 70), (130, 96, 80), (186, 150, 110)])
    draw.rectangle([0, top, SIDE, SIDE], fill=floor)
    draw.rectangle([0, top - 4, SIDE, top], fill=(246, 244, 238))
    for x in range(0, SIDE, 22):
        draw.line([x, top, x * 1.4 - 26, SIDE], fill=shade(floor, 0.85), width=1)
    x = chance.choice((8, 78))
    draw.rectangle([x, 14, x + 42, 58], fill=(250, 250, 248))
    draw.rectangle([x + 4, 18, x + 38, 54], fill=(166, 212, 242))
    draw.line([x + 21, 16, x + 21, 56], fill=(250, 250, 248), width=3)
    return canvas


def desert(library: Library, chance: random.Random) -> Image.Image:
    """Dunes and cacti."""
    canvas = gradient(chance.choice([(120, 190, 236), (250, 190, 130)]), (252, 232, 196), 0.7)
    hill(canvas, chance, chance.uniform(64, 78), (226, 176, 110), 8)
    hill(canvas, chance, chance.uniform(88, 98), (240, 200, 130))
    for x in chance.sample((14, 40, 90, 114), chance.choice((0, 1, 2))):
        place(canvas, library.pick(chance, "cactus"), x, chance.uniform(90, 100), chance.uniform(18, 30))
    return canvas


def forest(library: Library, chance: random.Random) -> Image.Image:
    """Trees side by side, in two rows."""
    canvas = gradient((150, 196, 170), (206, 226, 190))
    kind = chance.choice((("evergreen tree",), ("deciduous tree",), ("evergreen tree", "deciduous tree")))
    for foot in (84, 98):
        for x in range(-4, SIDE + 10, 20):
            tree = library.pick(chance, *kind)
            place(
                canvas, tree, x + chance.uniform(-6, 6), foot + chance.uniform(-3, 3), chance.uniform(44, 68)
            )
    hill(
        canvas, chance, chance.uniform(92, 98), chance.choice([(70, 110, 56), (90, 84, 56), (60, 96, 60)]), 3
    )
    return canvas


@dataclass(frozen=True)
class Ground:
    """A ground: the function that draws it, the words for a thing on it, and its light (1 is day).

    indoors: whether it is a room.
    """

    draw: Draw
    words: tuple[str, ...]
    light: float = 1.0
    indoors: bool = False


GROUNDS = {
    "snow": Ground(snow, ("in the snow", "in the snow", "on a snowy hill")),
    "night": Ground(night, ("at night", "at night", "under the stars", "on a hill at night"), 0.62),
    "sea": Ground(sea, ("on the sea", "in the sea")),
    "beach": Ground(beach, ("by the sea", "on a beach")),
    "meadow": Ground(meadow, ("in a meadow", "on the grass", "on a green hill")),
    "city": Ground(city, ("in a city", "in the street")),
    "room": Ground(room, ("in a room", "in a room"), indoors=True),
    "desert": Ground(desert, ("in the desert",)),
    "forest": Ground(forest, ("in a forest",)),
}


def dimmed(cut_out: Image.Image, light: float) -> Image.Image:
    """A cut-out as it looks in less light (1 leaves it as it is), a little bluer."""
    if light >= 1:
        return cut_out
    dark = ImageEnhance.Brightness(cut_out.convert("RGB")).enhance(light)
    dark = Image.blend(dark, Image.new("RGB", dark.size, (30, 40, 110)), 0.16)
    dark.putalpha(cut_out.getchannel("A"))
    return dark
