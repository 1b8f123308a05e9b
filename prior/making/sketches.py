"""Things that no set draws, drawn in code as cut-outs; shape and colour vary."""

from __future__ import annotations

import random
from collections.abc import Callable

from PIL import Image, ImageDraw

SIDE = 192  # pixels: drawn at this size and reduced to 64, so that edges come out smooth
Colour = tuple[int, int, int]
Sketch = Callable[[ImageDraw.ImageDraw, random.Random], None]
BRIGHT: tuple[Colour, ...] = (
    (214, 54, 48), (40, 108, 200), (52, 150, 84), (244, 190, 50), (240, 130, 40), (130, 80, 170),
)  # fmt: skip


def shade(colour: Colour, factor: float) -> Colour:
    """A colour made lighter or darker."""
    red, green, blue = (min(255, int(c * factor)) for c in colour)
    return red, green, blue


def lighthouse(draw: ImageDraw.ImageDraw, chance: random.Random) -> None:
    """A banded tower with a lit lamp room."""
    colour, top, foot = chance.choice(BRIGHT[:2]), chance.uniform(16, 22), chance.uniform(28, 38)
    for band in range(5):
        one, two = (top + (foot - top) * k / 5 for k in (band, band + 1))
        y, below = 52 + 26 * band, 78 + 26 * band
        paint = colour if band % 2 == 0 else (246, 246, 244)
        draw.polygon([(96 - one, y), (96 + one, y), (96 + two, below), (96 - two, below)], fill=paint)
    draw.rectangle(
        [96 - top * 0.8, 32, 96 + top * 0.8, 52], fill=(255, 226, 110), outline=(60, 60, 70), width=3
    )
    draw.rectangle([96 - top * 1.3, 49, 96 + top * 1.3, 55], fill=(60, 60, 70))
    draw.polygon([(96 - top, 33), (96, 12), (96 + top, 33)], fill=shade(colour, 0.7))
    draw.rectangle([88, 160, 104, 182], fill=(70, 60, 60))


def submarine(draw: ImageDraw.ImageDraw, chance: random.Random) -> None:
    """A hull with portholes, a tower and a periscope."""
    colour, low = chance.choice(BRIGHT), chance.uniform(140, 156)
    draw.rectangle([80, 52, 122, 96], fill=shade(colour, 0.85))
    draw.line([102, 54, 102, 26, 124, 26], fill=(70, 74, 84), width=8)
    draw.polygon([(14, 78), (40, 110), (14, 142)], fill=shade(colour, 0.7))
    draw.ellipse([22, 78, 184, low], fill=colour)
    draw.chord([22, 78, 184, low], 20, 160, fill=shade(colour, 0.8))
    for x in (72, 106, 140):
        draw.ellipse([x - 13, 98, x + 13, 124], fill=(190, 228, 246), outline=(70, 74, 84), width=5)


def windmill(draw: ImageDraw.ImageDraw, chance: random.Random) -> None:
    """A mill with four blades at a random angle."""
    wall, hub = chance.choice(((236, 228, 212), (196, 150, 110), (170, 90, 70))), (96, 74)
    draw.polygon([(74, 70), (118, 70), (134, 184), (58, 184)], fill=wall)
    draw.pieslice([70, 44, 122, 96], 180, 360, fill=chance.choice(BRIGHT[:3]))
    draw.rectangle([86, 150, 106, 184], fill=shade(wall, 0.5))
    turn = chance.uniform(0, 90)
    for arm in range(4):
        blade = Image.new("L", (SIDE, SIDE))
        ImageDraw.Draw(blade).rectangle([94, 4, 116, 66], fill=255)
        ImageDraw.Draw(blade).line([96, 74, 96, 4], fill=255, width=5)
        draw.bitmap((0, 0), blade.rotate(turn + 90 * arm, center=hub), fill=(120, 92, 70))
    draw.ellipse([89, 67, 103, 81], fill=(70, 50, 40))


def hot_air_balloon(draw: ImageDraw.ImageDraw, chance: random.Random) -> None:
    """A striped balloon with a basket."""
    one, two = chance.sample(BRIGHT, 2)
    draw.line([62, 110, 84, 160], fill=(90, 70, 50), width=3)
    draw.line([130, 110, 108, 160], fill=(90, 70, 50), width=3)
    draw.polygon([(38, 96), (154, 96), (112, 146), (80, 146)], fill=one)
    draw.ellipse([30, 6, 162, 130], fill=one)
    for half in (44, 18):
        draw.ellipse([96 - half, 6, 96 + half, 140], fill=two if half == 44 else one)
    draw.rectangle([80, 156, 112, 184], fill=(150, 100, 56))


def table(draw: ImageDraw.ImageDraw, chance: random.Random) -> None:
    """A table seen from the front."""
    wood = chance.choice(((150, 96, 56), (190, 136, 84), (110, 74, 50), (214, 190, 160)))
    top = chance.uniform(70, 90)
    for x in (26, 150):
        draw.rectangle([x, top, x + 16, 170], fill=shade(wood, 0.75))
    draw.rectangle([8, top - 8, 184, top + 14], fill=wood)
    draw.rectangle([8, top + 14, 184, top + 20], fill=shade(wood, 0.65))


SKETCHES: dict[str, Sketch] = {
    "a lighthouse": lighthouse,
    "a submarine": submarine,
    "a windmill": windmill,
    "a hot air balloon": hot_air_balloon,
    "a table": table,
}


def sketched(name: str, chance: random.Random) -> Image.Image:
    """One of the things above as an RGBA cut-out of 64 pixels, cropped to its opaque part."""
    canvas = Image.new("RGBA", (SIDE, SIDE))
    SKETCHES[name](ImageDraw.Draw(canvas), chance)
    canvas = canvas.convert("RGBa").resize((64, 64), Image.Resampling.BOX).convert("RGBA")
    return canvas.crop(canvas.getchannel("A").getbbox())
