"""Figures: labelled grids of images and animations. The same inputs give the same bytes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from torch import Tensor

from fundiff.files import replacing


def to_uint8(images: Tensor) -> np.ndarray:
    """Images `[..., C, H, W]` in [0, 1] to uint8 `[..., H, W, C]`, clamped and rounded."""
    return images.detach().float().clamp(0, 1).mul(255).round().byte().movedim(-3, -1).cpu().numpy()


def grid(
    path: str | Path,
    rows: Sequence[Sequence[Tensor]],
    row_labels: Sequence[str] = (),
    column_labels: Sequence[str] = (),
    captions: Sequence[Sequence[str]] = (),
    panel: float = 1.1,
) -> None:
    """Write a figure of images `[C, H, W]` in [0, 1], with labels at the rows, above the columns, under the panels."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    count = max(len(row) for row in rows)
    font = 8 + 0.4 * count  # a wide figure is shown smaller
    beside, below = 0.13 * font if row_labels else 0, 0.028 * font if captions else 0
    size = (panel * count + beside, (panel + below) * len(rows) + 0.3)
    figure, axes = plt.subplots(len(rows), count, figsize=size, squeeze=False, layout="constrained")
    for r, row in enumerate(rows):
        for c, axis in enumerate(axes[r]):
            axis.set_xticks([])
            axis.set_yticks([])
            axis.spines[:].set_visible(False)
            if c < len(row):
                pixels = to_uint8(row[c])
                axis.imshow(pixels.squeeze(), cmap="gray", vmin=0, vmax=255, interpolation="nearest")
            if r == 0 and c < len(column_labels):
                axis.set_title(column_labels[c], fontsize=font)
            if c == 0 and r < len(row_labels):
                axis.set_ylabel(row_labels[r], fontsize=font, rotation=0, ha="right", va="center", labelpad=6)
            if captions and c < len(captions[r]):
                axis.set_xlabel(captions[r][c], fontsize=font - 1)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=130, metadata={"Software": None})
    plt.close(figure)


def tile(images: Tensor, columns: int, gap: int = 2, scale: int = 2) -> np.ndarray:
    """Images `[N, C, H, W]` in [0, 1] as one uint8 picture `[H', W', C]`, enlarged without smoothing."""
    pixels = to_uint8(images).repeat(scale, 1).repeat(scale, 2)
    n, h, w, c = pixels.shape
    rows = -(-n // columns)
    sheet = np.full((rows * (h + gap) - gap, columns * (w + gap) - gap, c), 128, np.uint8)
    for i, image in enumerate(pixels):
        y, x = i // columns * (h + gap), i % columns * (w + gap)
        sheet[y : y + h, x : x + w] = image
    return sheet


def gif(path: str | Path, frames: Sequence[np.ndarray], milliseconds: int = 60, hold: int = 1500) -> None:
    """Write frames `[H, W, C]` uint8 as an endless GIF that rests on its last frame."""
    pictures = [Image.fromarray(frame.squeeze()) for frame in frames]
    durations = [milliseconds] * (len(pictures) - 1) + [hold]
    with replacing(path) as temporary:
        pictures[0].save(
            temporary, "GIF", save_all=True, append_images=pictures[1:], duration=durations, loop=0
        )


def thinned(count: int, frames: int) -> list[int]:
    """At most `frames` evenly spaced indices of 0..count-1, the last one among them."""
    n = min(count, frames)
    return sorted({round(i * (count - 1) / max(1, n - 1)) for i in range(n)} | {count - 1})
