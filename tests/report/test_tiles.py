"""Plates as tiles: panels come back pixel by pixel, and each stands where its labels say."""

import base64
import io

import numpy as np
import pytest
import torch
from PIL import Image

from fundiff.pictures.grids import grid
from fundiff.report.tiles import placed, tiles_of

RNG = np.random.default_rng(0)


def made(path, rows, columns=(), captions=(), side=64, count=2) -> np.ndarray:
    """Write a plate of grey pictures; return its panels `[rows, count, side, side, 1]`."""
    pixels = RNG.integers(0, 256, (len(rows), count, 1, side, side), np.uint8)
    grid(path, list(torch.tensor(pixels) / 255), rows, columns, captions)
    return np.moveaxis(pixels, 2, -1)


def decoded(picture) -> np.ndarray:
    with Image.open(io.BytesIO(base64.b64decode(picture.uri.partition(",")[2]))) as image:
        return np.asarray(image.convert("RGB"))


def test_panels_come_back_in_their_true_pixels(tmp_path):
    known = made(tmp_path / "a.png", ["γ = 1", "γ = 7"], ["sample 1", "sample 2"])
    found = tiles_of(tmp_path / "a.png", "samples", [("Guidance", "row")])
    assert found.columns == ["sample 1", "sample 2"] and found.axes == [("Guidance", ["γ = 1", "γ = 7"])]
    for pixels, (_, tiles) in zip(known, found.rows, strict=True):
        assert all((decoded(t.picture) == p).all() for t, p in zip(tiles, pixels, strict=True))
    tile = found.rows[1][1][0]
    assert (tile.at, tile.slot, tile.about) == ("1", "sample 1", "samples, γ = 7, sample 1")


def test_rows_of_digits_without_words_of_their_own_are_one_picture_each(tmp_path):
    known = made(
        tmp_path / "a.png", ["ancestral\n5 calls", "ancestral\n300 calls", "ddim\n5 calls"], side=28, count=10
    )
    found = tiles_of(tmp_path / "a.png", "", [("Sampler", "line 0"), ("Calls", "line 1")])
    assert found.wide and found.width == 1 and found.pixels == 10 * 29 - 1
    assert found.axes == [("Sampler", ["ancestral", "ddim"]), ("Calls", ["5 calls", "300 calls"])]
    assert [tiles[0].at for _, tiles in found.rows] == ["0,0", "0,1", "1,0"]
    strip = decoded(found.rows[2][1][0].picture)
    assert all((strip[:, 29 * i : 29 * i + 28] == known[2, i]).all() for i in range(10))
    assert (strip[:, 28::29] == 128).all()


def test_digits_with_columns_of_their_own_stay_apart(tmp_path):
    made(tmp_path / "a.png", ["the sample"], ["t = 300", "t = 0"], side=28)
    found = tiles_of(tmp_path / "a.png")
    assert not found.wide and found.width == 2 and found.axes == []


def test_words_under_a_panel_stay_with_it(tmp_path):
    made(tmp_path / "a.png", ["", ""], captions=[["as it is:\na tree", "turned"], ["", "far"]])
    found = tiles_of(tmp_path / "a.png", "anagrams")
    assert [[tile.under for tile in tiles] for _, tiles in found.rows] == [
        ["as it is: a tree", "turned"],
        ["", "far"],
    ]


@pytest.mark.parametrize(
    ("row", "axes", "expected"),
    [
        ("γ = 3", [("Guidance", "row")], (["γ = 3"], "sample 1")),
        ("ddim", [("Sampler", "row"), ("Calls", "column")], (["ddim", "sample 1"], "")),
        ("2 calls\nDDPM", [("Calls", "line 0")], (["2 calls"], "DDPM, sample 1")),
        ("2 calls\nDDPM", [], ([], "2 calls DDPM, sample 1")),
        ("tower:\na photo", [("Level", "column")], (["sample 1"], "tower: a photo")),
        ("w = 7\n(γ = 8)", [("Guidance", "row")], (["w = 7 (γ = 8)"], "sample 1")),
    ],
)
def test_a_slot_is_what_no_axis_speaks_of(row, axes, expected):
    assert placed(row, "sample 1", axes) == expected


def test_a_figure_that_does_not_tell_of_panels_has_no_tiles(tmp_path):
    Image.new("RGB", (30, 20)).save(tmp_path / "curves.png")
    assert tiles_of(tmp_path / "curves.png") is None
