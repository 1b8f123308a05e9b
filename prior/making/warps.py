"""Elastic and perspective warps that make many shapes of one drawing."""

from __future__ import annotations

import random

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates


def elastic(shape: tuple[int, int], chance: random.Random, reach: float) -> np.ndarray:
    """A smooth random displacement `[2, H, W]` of at most about `reach` pixels."""
    noise = np.random.default_rng(chance.getrandbits(32)).standard_normal((2, *shape), dtype=np.float32)
    field = np.stack([gaussian_filter(part, min(shape) / 7) for part in noise])
    return reach * field / max(1e-6, float(np.abs(field).max()))


def leaning(rows: np.ndarray, columns: np.ndarray, chance: random.Random) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates in [-1, 1], sheared, stretched and seen a little from the side and from above."""
    tilt, turn, shear = (chance.uniform(-r, r) for r in (0.14, 0.14, 0.12))
    depth = 1 + tilt * rows + turn * columns
    stretch = chance.uniform(0.86, 1.16)
    return rows * depth * stretch, (columns + shear * rows) * depth / stretch


def warped(cut_out: np.ndarray, chance: random.Random, strength: float = 1.0) -> np.ndarray:
    """The cut-out `[H, W, 4]` uint8, bent and seen at an angle, with a margin around it."""
    height, width = cut_out.shape[:2]
    values = cut_out.astype(np.float32)
    values[..., :3] *= values[..., 3:] / 255
    pad = 6
    values = np.pad(values, ((pad, pad), (pad, pad), (0, 0)))
    rows, columns = np.meshgrid(
        *(np.linspace(-1.1, 1.1, n + 2 * pad) for n in (height, width)), indexing="ij"
    )
    rows, columns = leaning(rows, columns, chance)
    bend = elastic(rows.shape, chance, strength * chance.uniform(0.5, 3.2) * min(height, width) / 64)  # type: ignore[arg-type]
    centre, half = ((height + 2 * pad - 1) / 2, (width + 2 * pad - 1) / 2), 1.0 / 1.1
    at = [rows * half * centre[0] + centre[0] + bend[0], columns * half * centre[1] + centre[1] + bend[1]]
    moved = np.stack([map_coordinates(values[..., c], at, order=1) for c in range(4)], -1)
    alpha = np.maximum(moved[..., 3:], 1e-3)
    return np.concatenate([(255 * moved[..., :3] / alpha).clip(0, 255), moved[..., 3:]], -1).astype(np.uint8)
