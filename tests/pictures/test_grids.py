"""Figures: pixels are enlarged by whole numbers, labels do not overlap, the same pictures give the same bytes."""

from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageSequence

from fundiff.pictures.films import save_film, save_steps, thinned
from fundiff.pictures.grids import Item, arranged, grid, tile
from fundiff.pictures.metadata import labels_of, table_of


def test_thinning_keeps_all_of_few_and_both_ends_of_many():
    assert thinned(16) == list(range(16))
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
    """Where the figure is dark; the thin frame of a panel does not count."""
    return np.asarray(Image.open(path).convert("L")) < 200


def groups(dark: np.ndarray, apart: int = 6) -> int:
    """The number of groups of dark lines; two groups have at least `apart` blank lines between them."""
    return 1 + int((np.diff(np.flatnonzero(dark)) > apart).sum())


@pytest.mark.parametrize("words", ["I", "MMMMMMMMMMMMMMMM", "MMM\nMMMMMMMMMMMMMMM"])
@pytest.mark.parametrize(("height", "width"), [(8, 8), (4, 16), (16, 4)])
def test_labels_are_whole_and_stand_apart(tmp_path, words, height, width):
    """With white panels only the labels are dark: one above each of three columns, or one beside each row."""
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


def seen(path) -> list[tuple[np.ndarray, int]]:
    """The pixels of every frame of a film, and for how many milliseconds it is shown."""
    with Image.open(path) as film:
        return [
            (np.asarray(frame.convert("RGB")), film.info["duration"])
            for frame in ImageSequence.Iterator(film)
        ]


def test_a_film_says_what_its_frames_show_and_rests_on_the_last_one_exactly(tmp_path):
    frames = [np.random.default_rng(i).integers(0, 256, (33, 47, 3), np.uint8) for i in range(5)]
    labels = [f"σ = {i}" for i in range(5)]
    save_film(tmp_path / "a.webp", frames, labels, "“a tree”, guidance 7", milliseconds=60, hold=900)
    assert [duration for _, duration in seen(tmp_path / "a.webp")] == [60] * 4 + [900]
    assert np.array_equal(seen(tmp_path / "a.webp")[-1][0], frames[-1])
    with Image.open(tmp_path / "a.webp") as film:
        assert labels_of(film) == (labels, "“a tree”, guidance 7")
        assert film.info["loop"] == 0 and film.size == (47, 33)
    with pytest.raises(ValueError, match="5 frames and 4 labels"):
        save_film(tmp_path / "b.webp", frames, labels[:-1], "")


def test_a_denoising_keeps_the_label_of_every_step_that_it_shows(tmp_path):
    steps = [torch.full((2, 1, 4, 4), i / 40) for i in range(41)]
    save_steps(tmp_path / "a.webp", steps, 2, [f"t = {40 - i}" for i in range(41)], "")
    with Image.open(tmp_path / "a.webp") as film:
        labels = labels_of(film)[0]
    frames = [pixels for pixels, _ in seen(tmp_path / "a.webp")]
    assert len(labels) == len(frames) == 16 and labels[0] == "t = 40" and labels[-1] == "t = 0"
    for label, pixels in zip(labels, frames, strict=True):
        assert abs(pixels[0, 0, 0] / 255 - (1 - int(label[4:]) / 40)) < 0.02


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kinds", ["aaaaa", "aabbb", "abbba", "aabaa", "ab", "a"])
def test_equal_frames_stay_as_many(kinds, channels, tmp_path):
    rng = np.random.default_rng(0)
    known = {
        kind: rng.integers(0, 256, (16, 16, channels), np.uint8).repeat(2, 0).repeat(2, 1) for kind in "ab"
    }
    path = tmp_path / "a.webp"
    save_film(path, [known[kind] for kind in kinds], list(kinds), "", milliseconds=60, hold=900)
    assert [duration for _, duration in seen(path)] == [60] * (len(kinds) - 1) + [900]
    for (pixels, _), kind in zip(seen(path), kinds, strict=True):
        off = {name: np.abs(pixels.astype(int) - other).mean() for name, other in known.items()}
        assert 2 * off[kind] < off["ab".strip(kind)]


def test_a_figure_says_where_its_panels_lie_and_what_they_are_called(tmp_path):
    rng = np.random.default_rng(0)
    known = rng.integers(0, 256, (3, 2, 3, 28, 20), np.uint8)
    rows = [[torch.tensor(image) / 255 for image in row] for row in known]
    words = [["", "below"], ["", ""], ["", ""]]
    grid(tmp_path / "a.png", rows, ["σ = 0", "two\nlines", "c"], ["left", "right"], words, panel=0.7)
    with Image.open(tmp_path / "a.png") as figure:
        pixels, told = np.asarray(figure.convert("RGB")), table_of(figure)
    assert told["rows"] == ["σ = 0", "two\nlines", "c"] and told["columns"] == ["left", "right"]
    assert told["captions"] == words
    for row, boxes in zip(known, told["panels"], strict=True):
        for image, (left, top, width, height, times) in zip(row, boxes, strict=True):
            panel = pixels[top : top + height : times, left : left + width : times]
            assert np.array_equal(panel, np.moveaxis(image, 0, -1))
