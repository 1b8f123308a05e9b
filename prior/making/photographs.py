"""Photographs of scikit-image, cropped, turned and given other light and colours."""

from __future__ import annotations

import random

import numpy as np
from PIL import Image, ImageEnhance, ImageOps
from skimage import data

from prior.making.compose import SIDE

# The name in the sentence, and the box that every crop must hold: left, top, right, bottom as shares of the sides.
SUBJECTS: dict[str, tuple[str, tuple[float, float, float, float]]] = {
    "chelsea": ("a cat", (0.25, 0.08, 0.7, 0.85)),
    "coffee": ("a cup of coffee", (0.2, 0.1, 0.75, 0.85)),
    "astronaut": ("an astronaut", (0.2, 0.0, 0.75, 0.8)),
    "rocket": ("a rocket ship", (0.35, 0.1, 0.65, 0.75)),
    "camera": ("a man with a camera", (0.15, 0.05, 0.8, 0.85)),
    "moon": ("a moon", (0.1, 0.1, 0.9, 0.9)),
    "hubble_deep_field": ("stars in the night sky", (0.4, 0.4, 0.6, 0.6)),
    "motorcycle": ("a motorcycle", (0.12, 0.08, 0.85, 0.95)),
    "coins": ("coins", (0.3, 0.3, 0.7, 0.7)),
    "brick": ("a brick wall", (0.35, 0.35, 0.65, 0.65)),
    "grass": ("grass", (0.35, 0.35, 0.65, 0.65)),
    "gravel": ("gravel", (0.35, 0.35, 0.65, 0.65)),
}


def load() -> dict[str, Image.Image]:
    """The photographs by name, in RGB, none wider than 400 pixels."""
    found = {}
    for name in SUBJECTS:
        values = data.stereo_motorcycle()[0] if name == "motorcycle" else getattr(data, name)()
        picture = Image.fromarray(np.asarray(values)).convert("RGB")
        picture.thumbnail((400, 400), Image.Resampling.LANCZOS)
        found[name] = picture
    return found


def crop(
    picture: Image.Image, inside: tuple[float, float, float, float], chance: random.Random
) -> Image.Image:
    """A square crop, resized to `compose.SIDE`. It contains the box `inside` if the box fits into a square."""
    width, height = picture.size
    least = min(max((inside[2] - inside[0]) * width, (inside[3] - inside[1]) * height), width, height)
    side = chance.uniform(least, min(width, height))
    corner = []
    for low, high, whole in ((inside[0], inside[2], width), (inside[1], inside[3], height)):
        first, last = max(0.0, high * whole - side), min(whole - side, low * whole)
        corner.append(chance.uniform(min(first, last), max(first, last)) if last >= 0 else 0.0)
    left, top = (min(max(0.0, c), whole - side) for c, whole in zip(corner, (width, height), strict=True))
    return picture.resize((SIDE, SIDE), Image.Resampling.BOX, (left, top, left + side, top + side))


def photograph(pictures: dict[str, Image.Image], name: str, chance: random.Random) -> Image.Image:
    """One of the photographs with random changes: cropped, mirrored, turned a little, brighter, warmer or grey."""
    picture = pictures[name]
    if chance.random() < 0.5:
        picture = picture.rotate(chance.uniform(-8, 8), Image.Resampling.BICUBIC)
        picture = ImageOps.crop(picture, int(0.07 * min(picture.size)))
    picture = crop(picture, SUBJECTS[name][1], chance)
    if chance.random() < 0.5:
        picture = ImageOps.mirror(picture)
    picture = ImageEnhance.Brightness(picture).enhance(chance.uniform(0.75, 1.25))
    picture = ImageEnhance.Contrast(picture).enhance(chance.uniform(0.8, 1.25))
    picture = ImageEnhance.Color(picture).enhance(chance.choice((0.0, 0.7, 1.0, 1.0, 1.4)))
    tint = np.array([chance.uniform(0.88, 1.1) for _ in range(3)], np.float32)
    return Image.fromarray((np.asarray(picture, np.float32) * tint).clip(0, 255).astype(np.uint8))
