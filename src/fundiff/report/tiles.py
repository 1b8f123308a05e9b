"""Figures as tiles: the panels of a plate cut out again, so that the page can lay them out with words of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fundiff.pictures.metadata import table_of
from fundiff.report.embedding import Picture, image_in, picture

DIGIT = 32  # pixels: rows of panels up to this width, without words of their own, become one picture
Axes = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Tile:
    """A panel: its picture, the words under it, its place on each axis, and the place that it takes while scrubbed."""

    picture: Picture
    under: str
    about: str
    at: str = ""
    slot: str = ""


@dataclass(frozen=True)
class Tiles:
    """Columns' labels, rows of a label and tiles, and per axis its name and the values along it."""

    columns: list[str]
    rows: list[tuple[str, list[Tile]]]
    axes: list[tuple[str, list[str]]]

    @property
    def width(self) -> int:
        """How many tiles the widest row has."""
        return max(len(row) for _, row in self.rows)

    @property
    def pixels(self) -> int:
        """The width of the widest tile."""
        return max(tile.picture.width for _, row in self.rows for tile in row)

    @property
    def wide(self) -> bool:
        """Whether rows are one picture of many panels each."""
        return self.width == 1 and self.pixels > 3 * min(row[0].picture.height for _, row in self.rows)


def panels(path: Path) -> tuple[dict[str, Any], list[list[np.ndarray]]] | None:
    """A plate's labels, and its panels `[H, W, 3]` in their true pixels; None where the file does not tell of them."""
    with image_in(path) as image:
        table, pixels = table_of(image), np.asarray(image.convert("RGB"))
    if table is None:
        return None
    cut = [
        [pixels[top : top + high : times, left : left + wide : times] for left, top, wide, high, times in row]
        for row in table["panels"]
    ]
    return table, cut


def joined(row: Sequence[np.ndarray]) -> np.ndarray:
    """Panels side by side in one picture, one grey pixel apart."""
    gap = np.full((row[0].shape[0], 1, 3), 128, np.uint8)
    return np.concatenate([part for panel in row for part in (panel, gap)][:-1], axis=1)


def spoken(label: str) -> str:
    """A label of several lines in one."""
    return label.replace("\n", " ")


def placed(row: str, column: str, axes: Axes) -> tuple[list[str], str]:
    """The value of a tile on each axis, and its slot: what of its row and column no axis speaks of.

    An axis is a name and what moves along it: `row`, `column`, or `line 0` and `line 1` of the row's label.
    """
    lines = row.split("\n")
    parts = {"row": spoken(row), "column": column} | {f"line {i}": line for i, line in enumerate(lines)}
    used = {what for _, what in axes}
    if "row" in used:
        used |= {f"line {i}" for i in range(len(lines))}
    rest = "\n".join(line for i, line in enumerate(lines) if f"line {i}" not in used)
    left = [spoken(rest), "" if "column" in used else column]
    return [parts[what] for _, what in axes], ", ".join(filter(None, left))


def tiles_of(path: Path, about: str = "", axes: Axes = ()) -> Tiles | None:
    """The tiles of a plate, scrubbed along some axes; None where the file does not tell of its panels."""
    found = panels(path)
    if found is None:
        return None
    table, cut = found
    columns, captions = table["columns"], table["captions"]
    labels = [label.replace("_", " ") for label in table["rows"]] or [""] * len(cut)
    strips = not columns and not captions and all(p.shape[1] <= DIGIT for row in cut for p in row)
    values: list[list[str]] = [[] for _ in axes]
    rows = []
    for r, row in enumerate(cut):
        tiles = []
        for c, pixels in enumerate([joined(row)] if strips else row):
            column = columns[c] if columns else "" if strips else str(c + 1)
            at, slot = placed(labels[r], column, axes)
            for known, value in zip(values, at, strict=True):
                known += [value] if value not in known else []
            places = ",".join(str(known.index(value)) for known, value in zip(values, at, strict=True))
            under = spoken(captions[r][c]) if captions else ""
            words = [about, spoken(labels[r]), columns[c] if columns else "", under]
            tiles.append(Tile(picture(pixels), under, ", ".join(filter(None, words)), places, slot))
        rows.append((labels[r], tiles))
    names = [name for name, _ in axes]
    return Tiles(columns, rows, list(zip(names, values, strict=True)))
