"""Recolouring of cut-outs, and the name of the colour that a cut-out has.

Cut-outs are uint8 `[H, W, 4]`; hues are fractions of a full turn, 0 to 1.
"""

from __future__ import annotations

import numpy as np
from skimage.color import hsv2rgb, rgb2hsv

# Hue, smallest saturation, and the map of brightness: offset and slope.
HUES: dict[str, tuple[float, float, tuple[float, float]]] = {
    "red": (0.995, 0.75, (0.15, 0.8)),
    "orange": (0.075, 0.8, (0.35, 0.65)),
    "yellow": (0.142, 0.75, (0.5, 0.5)),
    "green": (0.35, 0.65, (0.1, 0.75)),
    "blue": (0.6, 0.7, (0.2, 0.8)),
    "purple": (0.77, 0.55, (0.15, 0.75)),
    "pink": (0.925, 0.4, (0.5, 0.5)),
    "brown": (0.06, 0.6, (0.1, 0.5)),
}
GREYS = {"black": (0.04, 0.2), "grey": (0.3, 0.4), "white": (0.72, 0.28)}
COLOURS = (*HUES, *GREYS)
NEAR = 0.11  # distance of hues: pixels this close to the main hue are recoloured with it


def main_hue(hsv: np.ndarray, solid: np.ndarray) -> tuple[float, np.ndarray]:
    """The most common hue of the coloured pixels, and a mask `[H, W]` of the opaque pixels near that hue."""
    coloured = solid & (hsv[..., 1] > 0.25) & (hsv[..., 2] > 0.2)
    counts, edges = np.histogram(hsv[..., 0][coloured], bins=24, range=(0, 1))
    smooth = counts + np.roll(counts, 1) + np.roll(counts, -1)
    hue = edges[int(smooth.argmax())] + 0.5 / 24
    distance = np.abs((hsv[..., 0] - hue + 0.5) % 1 - 0.5)
    return hue, coloured & (distance < NEAR)


def recoloured(cut_out: np.ndarray, name: str) -> np.ndarray:
    """The cut-out in the named colour. Pixels near its main hue change, or all pixels if those cover too little of it."""
    hsv, solid = rgb2hsv(cut_out[..., :3]), cut_out[..., 3] > 40
    hue, mask = main_hue(hsv, solid)
    if mask.sum() < 0.45 * max(1, solid.sum()):
        hue, mask = hsv[..., 0].copy(), solid & ((hsv[..., 2] > 0.3) | (name in GREYS))
    value = hsv[..., 2]
    if name in GREYS:
        offset, slope = GREYS[name]
        changed = np.stack([hsv[..., 0], 0.06 * hsv[..., 1], offset + slope * value], -1)
    else:
        target, least, (offset, slope) = HUES[name]
        shift = ((hsv[..., 0] - hue + 0.5) % 1 - 0.5) * 0.2
        saturation = np.maximum(least, 0.5 * (hsv[..., 1] + least))
        if name == "pink":
            saturation = 0.3 + 0.25 * hsv[..., 1]
        changed = np.stack([(target + shift) % 1, saturation, offset + slope * value], -1)
    painted = np.where(mask[..., None], hsv2rgb(changed.clip(0, 1)) * 255, cut_out[..., :3])
    return np.concatenate([painted.round().astype(np.uint8), cut_out[..., 3:]], -1)


def colour_masks(hsv: np.ndarray) -> dict[str, np.ndarray]:
    """For each colour name the mask `[H, W]` of the pixels that clearly have this colour."""
    hue, saturation, value = (hsv[..., i] for i in range(3))
    vivid = (saturation > 0.35) & (value > 0.3)
    bright = vivid & (value > 0.6)
    return {
        "red": vivid & ((hue > 0.96) | (hue < 0.03)) & (saturation > 0.55),
        "orange": bright & (hue > 0.05) & (hue < 0.105) & (saturation > 0.6),
        "yellow": bright & (hue > 0.115) & (hue < 0.18) & (saturation > 0.45),
        "green": vivid & (hue > 0.22) & (hue < 0.45),
        "blue": vivid & (hue > 0.52) & (hue < 0.7),
        "purple": vivid & (hue > 0.71) & (hue < 0.85),
        "pink": (saturation > 0.2) & (saturation < 0.7) & (value > 0.75) & (hue > 0.86) & (hue < 0.98),
        "brown": (saturation > 0.35) & (value < 0.65) & (value > 0.2) & (hue > 0.02) & (hue < 0.11),
        "black": value < 0.25,
        "grey": (saturation < 0.15) & (value > 0.3) & (value < 0.78),
        "white": (saturation < 0.12) & (value > 0.85),
    }


def named_colour(cut_out: np.ndarray, share: float = 0.6) -> str:
    """The name of the colour that at least `share` of the opaque pixels have, or ""."""
    solid = cut_out[..., 3] > 128
    masks = colour_masks(rgb2hsv(cut_out[..., :3]))
    name = max(masks, key=lambda key: float((masks[key] & solid).sum()))
    return name if (masks[name] & solid).sum() > share * max(1, solid.sum()) else ""
