"""Landscapes and buildings, each a scene of `prior.making.scenes`: (library, chance) to an RGBA canvas of side `SIDE`."""

from __future__ import annotations

import random

from PIL import Image, ImageDraw

from prior.making.compose import SIDE, WHITE, Library, gradient, house, mountain, place, shade, snowed

CABINS = ((196, 92, 60), (160, 96, 60), (206, 130, 74), (176, 70, 62), (120, 78, 56))
ROOFS = ((176, 60, 48), (120, 72, 50), (70, 90, 130), (150, 80, 60))
COAST = ((250, 214, 150), (244, 170, 130), (252, 240, 220), (240, 140, 120), (250, 228, 120), (220, 200, 240))


def snowy_village(library: Library, chance: random.Random) -> Image.Image:
    """Mountains with snow caps, houses with snow on their roofs close together, evergreens, white ground."""
    canvas = gradient(chance.choice([(120, 180, 230), (150, 200, 240), (90, 130, 190)]), (226, 238, 250), 0.7)
    for x in chance.sample((24, 64, 104), chance.choice((2, 2, 3))):
        rock = chance.choice([(108, 124, 150), (124, 130, 140), (90, 110, 140)])
        mountain(canvas, x + chance.uniform(-8, 8), 84, chance.uniform(70, 96), chance.uniform(48, 76), rock)
    draw = ImageDraw.Draw(canvas)
    draw.ellipse([-50, 72, 110, 190], fill=(240, 245, 252))
    draw.ellipse([20, 78, 190, 190], fill=(250, 252, 255))
    for x in chance.sample((8, 34, 62, 90, 118), 2):
        tree = snowed(library.pick(chance, "evergreen tree"))
        place(canvas, tree, x, chance.uniform(92, 98), chance.uniform(26, 36))
    places = [(x, chance.choice((98, 120)) + chance.uniform(-3, 3)) for x in (20, 49, 79, 108)]
    for x, foot in sorted(chance.sample(places, chance.choice((3, 3, 4))), key=lambda p: p[1]):
        house(canvas, x, foot, chance.uniform(29, 35), chance.choice(CABINS), (246, 249, 253))
    for _ in range(chance.choice((0, 14, 26))):
        x, y = chance.uniform(0, SIDE), chance.uniform(0, SIDE)  # type: ignore[assignment]
        draw.ellipse([x - 1.2, y - 1.2, x + 1.2, y + 1.2], fill=WHITE)
    return canvas


def coast(library: Library, chance: random.Random) -> Image.Image:
    """Coloured houses stacked on a steep hill above a blue sea with a boat, under the sun."""
    canvas = gradient((120, 196, 244), (214, 238, 250), 0.6)
    draw = ImageDraw.Draw(canvas)
    place(canvas, library.pick(chance, "sun"), 24, 34, 28)
    draw.polygon([(30, 96), (74, 22), (100, 10), (SIDE, 4), (SIDE, 100)], fill=(104, 140, 84))
    for row in range(6):
        y = 96 - 13 * row
        for x in range(int(46 + row * 9), SIDE, 13):
            if chance.random() < 0.85:
                wall = chance.choice(COAST)
                top = y - chance.uniform(11, 15)
                draw.rectangle([x, top, x + 12, y], fill=wall)
                draw.rectangle([x - 0.5, top - 2.5, x + 12.5, top], fill=chance.choice(ROOFS))
                draw.rectangle([x + 4, top + 4, x + 7, top + 8], fill=shade(wall, 0.5))
    draw.rectangle([0, 94, SIDE, SIDE], fill=chance.choice([(34, 112, 190), (24, 140, 190)]))
    for _ in range(7):
        x, y = chance.uniform(0, SIDE), chance.uniform(98, 126)  # type: ignore[assignment]
        draw.line([x, y, x + 14, y], fill=(120, 190, 230), width=2)
    place(canvas, library.pick(chance, "sailboat"), chance.uniform(20, 60), 114, chance.uniform(28, 36))
    return canvas if chance.random() < 0.5 else canvas.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


def waterfall(library: Library, chance: random.Random) -> Image.Image:
    """Striped white water between dark cliffs with green tops, with foam and a pool below."""
    canvas = gradient((150, 206, 240), (222, 240, 250), 0.4)
    draw = ImageDraw.Draw(canvas)
    edge, rock = chance.uniform(26, 38), chance.choice([(92, 84, 78), (110, 96, 80), (80, 88, 92)])
    falls = [(chance.uniform(46, 58), chance.uniform(72, 84))]
    if chance.random() < 0.4:
        falls = [(24, 44), (70, 96)]
    draw.rectangle([0, edge, SIDE, SIDE], fill=rock)
    for _ in range(16):
        x, y = chance.uniform(0, SIDE), chance.uniform(edge, 100)
        draw.polygon([(x, y), (x + 12, y + 5), (x + 5, y + 18)], fill=shade(rock, chance.uniform(0.7, 1.2)))
    draw.rectangle([0, edge - 7, SIDE, edge + 4], fill=chance.choice([(70, 140, 60), (50, 110, 60)]))
    for left, right in falls:
        draw.rectangle([left, edge - 5, right, 108], fill=(236, 246, 252))
        for x in range(int(left) + 2, int(right), 5):
            draw.line([x, edge - 3, x + chance.uniform(-1, 1), 106], fill=(130, 190, 230), width=2)
    draw.rectangle([0, 102, SIDE, SIDE], fill=(70, 150, 200))
    for left, right in falls:
        for _ in range(12):
            x, y, r = chance.uniform(left - 10, right + 10), chance.uniform(98, 110), chance.uniform(3, 7)
            draw.ellipse([x - r, y - r, x + r, y + r], fill=(246, 250, 253))
    for x in chance.sample((6, 122), chance.choice((1, 2))):
        place(
            canvas,
            library.pick(chance, "evergreen tree", "deciduous tree"),
            x,
            edge + 4,
            chance.uniform(26, 36),
        )
    return canvas


def clock_tower(library: Library, chance: random.Random) -> Image.Image:
    """A tall pale tower with a clock and a pointed roof under a blue sky, trees at its foot."""
    canvas = gradient((96, 160, 226), (206, 230, 248))
    draw = ImageDraw.Draw(canvas)
    x, half, top = chance.uniform(48, 80), chance.uniform(9, 13), chance.uniform(34, 44)
    stone = chance.choice([(224, 214, 196), (206, 200, 190), (190, 160, 130)])
    draw.rectangle([x - half, top, x + half, SIDE], fill=stone)
    draw.rectangle([x + half * 0.5, top, x + half, SIDE], fill=shade(stone, 0.85))
    draw.polygon(
        [(x - half * 1.2, top), (x, top - 30), (x + half * 1.2, top)],
        fill=shade(stone, chance.choice((0.7, 0.9))),
    )
    for at in range(3):
        draw.rectangle(
            [x - half * 0.7 + at * half * 0.5, top + 3, x - half * 0.4 + at * half * 0.5, top + 13],
            fill=(96, 90, 90),
        )
    draw.ellipse(
        [x - half * 0.7, top + 16, x + half * 0.7, top + 16 + half * 1.4], fill=WHITE, outline=(60, 60, 60)
    )
    draw.line([x, top + 16 + half * 0.7, x, top + 18], fill=(30, 30, 30), width=2)
    for at in range(0, SIDE + 10, 18):
        place(
            canvas,
            library.pick(chance, "deciduous tree"),
            at + chance.uniform(-5, 5),
            132,
            chance.uniform(26, 40),
        )
    return canvas


def bridge(library: Library, chance: random.Random) -> Image.Image:
    """A red suspension bridge over the sea."""
    canvas = gradient((130, 190, 236), (226, 236, 244), 0.7)
    draw = ImageDraw.Draw(canvas)
    draw.polygon([(0, 84), (40, 64), (84, 80), (128, 60), (128, 96), (0, 96)], fill=(120, 150, 120))
    draw.rectangle([0, 88, SIDE, SIDE], fill=chance.choice([(50, 120, 180), (70, 130, 160)]))
    red, deck = chance.choice([(200, 60, 40), (216, 80, 50)]), chance.uniform(76, 84)
    pylons = (chance.uniform(28, 38), chance.uniform(90, 100))
    for a, b in ((-30, pylons[0]), (pylons[0], pylons[1]), (pylons[1], 160)):
        for i in range(12):
            u, v = i / 12, (i + 1) / 12
            sag = [(a + (b - a) * s, 30 + 4 * (deck - 32) * s * (1 - s)) for s in (u, v)]
            draw.line(sag, fill=red, width=3)
            draw.line([sag[1], (sag[1][0], deck)], fill=red, width=1)
    draw.rectangle([0, deck, SIDE, deck + 5], fill=red)
    for x in pylons:
        draw.rectangle([x - 4, 24, x + 4, 104], fill=red)
    return canvas
