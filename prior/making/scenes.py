"""Scenes of the course's prompts, composed from cut-outs and code, because no set has a drawing of them.

A scene is a function (library, chance) to an RGBA canvas of `compose.SIDE`; `SCENES` has the sentences for each.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from PIL import Image, ImageDraw

from prior.making.compose import (
    SIDE,
    WHITE,
    Library,
    gradient,
    ground,
    place,
    shade,
    sitter,
)
from prior.making.landscapes import bridge, clock_tower, coast, snowy_village, waterfall

Scene = Callable[[Library, random.Random], Image.Image]
NEEDED = (
    "cactus", "deciduous tree", "evergreen tree", "fire", "hot beverage", "man cook", "man: beard", "person: beard",
    "sailboat", "sun", "tent",
)  # fmt: skip  # concepts that scenes and grounds need, besides the faces and hats below
FACES = ("man", "person", "man: beard", "person: beard", "old man", "boy")
HATS = ("top hat", "woman’s hat", "billed cap", "top hat")
SKINS = ((250, 206, 160), (236, 180, 130), (176, 116, 74), (255, 220, 180))
COATS = ((214, 54, 48), (40, 108, 200), (52, 160, 84), (244, 190, 50), (150, 80, 180), (236, 236, 240))
HAIRS = ((60, 40, 30), (30, 26, 28), (190, 130, 60), (130, 70, 40))


def campfire(library: Library, chance: random.Random) -> Image.Image:
    """People who sit on both sides of a fire at night, with trees or a tent behind them."""
    canvas = gradient((22, 26, 60), chance.choice([(60, 50, 90), (44, 60, 96), (90, 60, 80)]), 0.7)
    draw = ImageDraw.Draw(canvas)
    for _ in range(12):
        x, y = chance.uniform(0, SIDE), chance.uniform(0, 46)
        draw.ellipse([x - 1, y - 1, x + 1, y + 1], fill=(250, 246, 210))
    if chance.random() < 0.6:
        for x in (10, 36, 92, 118):
            place(canvas, library.pick(chance, "evergreen tree"), x, 82, chance.uniform(44, 56))
    else:
        place(canvas, library.pick(chance, "tent"), 64, 82, chance.uniform(48, 56))
    draw.ellipse([-40, 72, 168, 200], fill=chance.choice([(58, 66, 44), (82, 62, 46), (50, 70, 56)]))
    draw.ellipse([26, 90, 102, 126], fill=(150, 96, 44))
    coats, hairs = chance.sample(COATS, 4), chance.choices(HAIRS, k=4)
    behind = [(44, 90, 40, 1), (84, 90, 40, -1)][: chance.choice((0, 1, 2))]
    people = [*behind, (22, 118, 62, 1), (106, 118, 62, -1)]
    for (x, foot, size, side), coat, hair in zip(people, coats, hairs, strict=False):
        height = size * chance.uniform(0.95, 1.05)
        sitter(canvas, x + chance.uniform(-3, 3), foot, height, chance.choice(SKINS), coat, hair, side)
    for angle in (-1, 1):
        draw.line([64 - 18 * angle, 122, 64 + 18 * angle, 114], fill=(104, 62, 30), width=6)
    place(canvas, library.pick(chance, "fire"), 64, 119, chance.uniform(38, 46), chance.random() < 0.5)
    return canvas


def barista(library: Library, chance: random.Random) -> Image.Image:
    """A bearded man behind a counter with cups of coffee."""
    wall = chance.choice([(120, 88, 70), (88, 108, 104), (216, 190, 160), (70, 76, 88)])
    canvas = gradient(wall, shade(wall, 0.85))
    draw = ImageDraw.Draw(canvas)
    for x in (18, 64, 110):
        draw.rectangle([x - 16, 20, x + 16, 23], fill=shade(wall, 0.6))
        draw.rectangle([x - 10, 10, x - 4, 20], fill=shade(wall, 1.3))
    place(
        canvas,
        library.pick(chance, "man: beard", "person: beard", "man: beard", "man cook"),
        chance.uniform(48, 80),
        104,
        84,
    )
    draw.rectangle([0, 98, SIDE, SIDE], fill=chance.choice([(96, 60, 36), (140, 96, 60), (60, 44, 36)]))
    draw.rectangle([0, 98, SIDE, 102], fill=(176, 130, 90))
    for x in chance.sample((20, 64, 108), chance.choice((1, 2))):
        place(canvas, library.pick(chance, "hot beverage"), x, 116, chance.uniform(30, 38))
    return canvas


def man_with_hat(library: Library, chance: random.Random) -> Image.Image:
    """A man's head with a hat on it, on a plain ground."""
    canvas = ground(WHITE if chance.random() < 0.6 else chance.choice([(206, 232, 252), (240, 226, 200)]))
    place(canvas, library.pick(chance, *FACES[:5]), 64, 126, chance.uniform(86, 94))
    place(
        canvas,
        library.pick(chance, *HATS),
        64,
        chance.uniform(56, 62),
        chance.uniform(62, 74),
        chance.random() < 0.5,
    )
    return canvas


# Of every scene: weight, function, sentences, and the style that the course asks for, or "".
SCENES: dict[str, tuple[float, Scene, tuple[str, ...], str]] = {
    "snowy village": (
        1.5,
        snowy_village,
        ("a snowy mountain village", "a snowy mountain village", "houses under a snowy mountain"),
        "an oil painting of",
    ),
    "campfire": (
        1.5,
        campfire,
        ("people around a campfire", "people around a campfire", "people sitting around a fire at night"),
        "an oil painting of",
    ),
    "barista": (
        1.0,
        barista,
        ("a hipster barista", "a hipster barista", "a man serving coffee"),
        "a photo of",
    ),
    "coast": (
        1.2,
        coast,
        ("the amalfi coast", "the amalfi coast", "a village on a hill by the sea"),
        "a photo of",
    ),
    "waterfall": (1.5, waterfall, ("waterfalls", "waterfalls", "a waterfall"), "a lithograph of"),
    "hat": (1.5, man_with_hat, ("a man wearing a hat", "a man wearing a hat", "a man with a hat"), ""),
    "clock tower": (
        0.6,
        clock_tower,
        ("a clock tower", "a tall tower", "a bell tower with a clock"),
        "a photo of",
    ),
    "bridge": (
        0.6,
        bridge,
        ("a red bridge", "the golden gate bridge", "a bridge over the sea"),
        "a photo of",
    ),
}
