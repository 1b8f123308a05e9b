"""Figures: labelled grids of pictures. The same inputs give the same bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from fundiff.pictures.metadata import TABLE
from fundiff.pipeline.files import replacing

DPI, GAP = 130, 8  # of a figure; pixels between panels
HAIRLINE = 214  # grey level of the line around a panel; so a white panel shows on the page


def to_uint8(images: Tensor) -> np.ndarray:
    """Images `[..., C, H, W]` in [0, 1] to uint8 `[..., H, W, C]`, clamped and rounded."""
    return images.detach().float().clamp(0, 1).mul(255).round().byte().movedim(-3, -1).cpu().numpy()


def framed(image: Tensor, width: float) -> np.ndarray:
    """An image `[C, H, W]` in [0, 1] as uint8 `[H', W', 3]`: enlarged by a whole number to about `width`, with a thin frame."""
    pixels = to_uint8(image)
    times = max(1, round(width / pixels.shape[1]))
    large = pixels.repeat(times, 0).repeat(times, 1)
    padded = np.pad(large, ((1, 1), (1, 1), (0, 0)), constant_values=HAIRLINE)
    return np.broadcast_to(padded, (*padded.shape[:2], 3))


@dataclass(frozen=True)
class Item:
    """A panel or a text: its size in pixels, and its place in the cell (across, down): 0 left or top, 1 right or bottom."""

    what: Any
    width: int
    height: int
    across: float = 0.5
    down: float = 0.5


Cell = tuple[int, int]


def arranged(items: Mapping[Cell, Item]) -> tuple[dict[Cell, tuple[int, int]], tuple[int, int]]:
    """The places of a table's items: (left, top) by (row, column), and the table's (width, height), in pixels.

    A row is as high as its highest item and a column as wide as its widest, so nothing overlaps or is cut.
    """

    def tracks(axis: int, size: str) -> tuple[list[int], list[int]]:
        extents = [0] * (1 + max(at[axis] for at in items))
        for at, item in items.items():
            extents[at[axis]] = max(extents[at[axis]], getattr(item, size))
        return extents, list(accumulate((e + GAP if e else 0 for e in extents), initial=GAP))

    (heights, tops), (widths, lefts) = tracks(0, "height"), tracks(1, "width")
    places = {
        (r, c): (
            lefts[c] + round(item.across * (widths[c] - item.width)),
            tops[r] + round(item.down * (heights[r] - item.height)),
        )
        for (r, c), item in items.items()
    }
    return places, (lefts[-1], tops[-1])


def label(figure: Any, words: str, size: float, lines: str, across: float, down: float) -> Item:
    """A text on a figure; `lines` is the alignment of its lines: left, center or right."""
    text = figure.text(0, 0, words, fontsize=size, ha="left", va="top", multialignment=lines, transform=None)
    width, height = text.get_window_extent().size
    return Item(text, ceil(width), ceil(height), across, down)


def grid(
    path: str | Path,
    rows: Sequence[Sequence[Tensor]],
    row_labels: Sequence[str] = (),
    column_labels: Sequence[str] = (),
    captions: Sequence[Sequence[str]] = (),
    panel: float = 1.1,
) -> None:
    """Write a figure of images `[C, H, W]` in [0, 1], with labels left of rows, above columns and below panels.

    Panels are about `panel` inches wide; their pixels are enlarged by a whole number. The file also stores the labels and
    where each panel lies: left, top, width and height of its pixels in the figure, and the enlargement.
    """
    from matplotlib.figure import Figure

    figure = Figure(dpi=DPI)
    font = 8 + 0.4 * max(map(len, rows))  # larger in a wide figure, which a page scales down
    items: dict[Cell, Item] = {}
    for c, words in enumerate(column_labels):
        items[0, c + 1] = label(figure, words, font, "center", 0.5, 1)
    for r, words in enumerate(row_labels):
        items[2 * r + 1, 0] = label(figure, words, font, "right", 1, 0.5)
    for r, row in enumerate(rows):
        for c, image in enumerate(row):
            pixels = framed(image, panel * DPI)
            items[2 * r + 1, c + 1] = Item(pixels, pixels.shape[1], pixels.shape[0])
    for r, line in enumerate(captions):
        for c, words in enumerate(line):
            below = label(figure, words, font - 1, "center", 0.5, 0)
            items[2 * r + 2, c + 1] = replace(below, height=below.height + GAP)  # space before the next panel
    places, size = arranged(items)
    place(figure, items, places, size)
    told = {"rows": list(row_labels), "columns": list(column_labels), "captions": [list(c) for c in captions]}
    told["panels"] = [
        [box(places[2 * r + 1, c + 1], items[2 * r + 1, c + 1], image) for c, image in enumerate(row)]
        for r, row in enumerate(rows)
    ]
    with replacing(path) as temporary:
        metadata = {"Software": None, TABLE: json.dumps(told)}
        figure.savefig(temporary, format="png", dpi=DPI, metadata=metadata)


def box(at: tuple[int, int], item: Item, image: Tensor) -> list[int]:
    """Left, top, width and height of a panel without its frame, and the factor of its enlargement."""
    return [at[0] + 1, at[1] + 1, item.width - 2, item.height - 2, (item.width - 2) // image.shape[-1]]


def place(
    figure: Any,
    items: Mapping[Cell, Item],
    places: Mapping[Cell, tuple[int, int]],
    size: tuple[int, int],
) -> None:
    """Set the figure's size to the table's and put the items on it; matplotlib counts pixels from the bottom."""
    width, height = size
    figure.set_size_inches(width / DPI, height / DPI)
    for at, (left, top) in places.items():
        what = items[at].what
        if isinstance(what, np.ndarray):
            figure.figimage(what, left, height - top - items[at].height)
        else:
            what.set_position((left, height - top))


def tile(images: Tensor, columns: int, gap: int = 2, scale: int = 2) -> np.ndarray:
    """Images `[N, C, H, W]` in [0, 1] as one sheet, uint8 `[H', W', C]`: enlarged `scale` times, `gap` pixels apart."""
    pixels = to_uint8(images).repeat(scale, 1).repeat(scale, 2)
    n, h, w, c = pixels.shape
    rows = -(-n // columns)
    sheet = np.full((rows * (h + gap) - gap, columns * (w + gap) - gap, c), 128, np.uint8)
    for i, image in enumerate(pixels):
        y, x = i // columns * (h + gap), i % columns * (w + gap)
        sheet[y : y + h, x : x + w] = image
    return sheet
