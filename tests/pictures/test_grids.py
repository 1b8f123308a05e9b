"""Figures: every pixel whole, every label in a place of its own, the same bytes for the same pictures."""

from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageSequence

from fundiff.pictures.films import gif, thinned
from fundiff.pictures.grids import Item, arranged, grid, tile


def test_thinning_keeps_all_of_few_and_both_ends_of_many():
    assert thinned(24) == list(range(24))
    assert thinned(1, 34) == [0]
    many = thinned(301, 40)
    assert len(many) == 40 and many[0] == 0 and many[-1] == 300


def test_the_same_pictures_are_the_same_bytes(tmp_path):
    image = torch.rand(3, 8, 8, generator=torch.Generator().manual_seed(0))
    for name in ("a.png", "b.png"):
        grid(tmp_path / name, [[image, image]], ["row"], ["one", "two"], [["under", ""]])
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


SIZES = st.integers(0, 300)
ITEMS = st.builds(Item, st.none(), SIZES, SIZES, st.floats(0, 1), st.floats(0, 1))


@given(st.dictionaries(st.tuples(st.integers(0, 5), st.integers(0, 5)), ITEMS, min_size=1))
def test_nothing_overlaps_and_nothing_is_cut(items):
    places, (width, height) = arranged(items)
    boxes = {at: (x, y, x + items[at].width, y + items[at].height) for at, (x, y) in places.items()}
    assert all(min(x0, y0) >= 0 and x1 <= width and y1 <= height for x0, y0, x1, y1 in boxes.values())
    for a, b in combinations(boxes.values(), 2):
        assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]


def ink(path) -> np.ndarray:
    """Where the figure is dark, a panel's hairline left out."""
    return np.asarray(Image.open(path).convert("L")) < 200


def groups(dark: np.ndarray, apart: int = 6) -> int:
    """How many groups of inked lines there are, with at least so many blank lines between two."""
    return 1 + int((np.diff(np.flatnonzero(dark)) > apart).sum())


@pytest.mark.parametrize("words", ["I", "MMMMMMMMMMMMMMMM", "MMM\nMMMMMMMMMMMMMMM"])
@pytest.mark.parametrize(("height", "width"), [(8, 8), (4, 16), (16, 4)])
def test_labels_are_whole_and_stand_apart(tmp_path, words, height, width):
    """White panels leave the labels alone on the paper: three columns of them, and one beside each row."""
    panel = torch.ones(3, height, width)
    grid(tmp_path / "a.png", [[panel] * 3] * 2, column_labels=[words] * 3)
    grid(tmp_path / "b.png", [[panel] * 3] * 2, row_labels=[words] * 2)
    grid(tmp_path / "c.png", [[panel] * 3] * 2, captions=[[words] * 3] * 2)
    above, beside, below = (ink(tmp_path / f"{name}.png") for name in "abc")
    for dark in (above, beside, below):
        assert not (dark[0].any() or dark[-1].any() or dark[:, 0].any() or dark[:, -1].any())
    lines = 1 + words.count("\n")
    assert groups(above.any(0)) == groups(below.any(0)) == 3
    assert groups(above.any(1), 2) == lines
    assert groups(beside.any(1), 2) == groups(below.any(1), 2) == 2 * lines


def test_pixels_are_enlarged_by_whole_numbers(tmp_path):
    board = torch.tensor([[0.0, 1.0], [1.0, 0.0]]).repeat(4, 4)[None]
    grid(tmp_path / "a.png", [[board]], panel=1)
    dark = ink(tmp_path / "a.png")
    board_alone = dark[dark.any(1)][:, dark.any(0)]
    size = len(board_alone) // 8
    assert np.array_equal(board_alone, board_alone[::size, ::size].repeat(size, 0).repeat(size, 1))
    assert size == round(130 / 8)


def test_tiles_are_whole_enlarged_pixels():
    sheet = tile(torch.stack([torch.zeros(1, 2, 2), torch.ones(1, 2, 2)]), 2, gap=1, scale=3)
    assert sheet.shape == (6, 13, 1)
    assert (sheet[:, :6] == 0).all() and (sheet[:, 6] == 128).all() and (sheet[:, 7:] == 255).all()


def test_a_gif_has_every_frame_and_rests_on_the_last(tmp_path):
    gif(
        tmp_path / "a.gif",
        [np.full((4, 4, 1), i * 40, np.uint8) for i in range(5)],
        milliseconds=60,
        hold=900,
    )
    with Image.open(tmp_path / "a.gif") as film:
        assert film.n_frames == 5
        film.seek(4)
        assert film.info["duration"] == 900


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kinds", ["aaaaa", "aabbb", "abbba", "aabaa", "ab", "a"])
def test_equal_frames_stay_as_many(kinds, channels, tmp_path):
    rng = np.random.default_rng(0)
    known = {
        kind: rng.integers(0, 256, (16, 16, channels), np.uint8).repeat(2, 0).repeat(2, 1) for kind in "ab"
    }
    gif(tmp_path / "a.gif", [known[kind] for kind in kinds], milliseconds=60, hold=900)
    with Image.open(tmp_path / "a.gif") as film:
        seen = [
            (np.asarray(frame.convert("RGB")), frame.info.get("duration"))
            for frame in ImageSequence.Iterator(film)
        ]
    assert [duration for _, duration in seen] == [60] * (len(kinds) - 1) + [900]
    first = {kind: seen[kinds.index(kind)][0] for kind in kinds}
    assert all(np.array_equal(pixels, first[kind]) for (pixels, _), kind in zip(seen, kinds, strict=True))
