import numpy as np
import torch
from PIL import Image

from fundiff.figures import gif, grid, thinned, tile


def test_thinning_keeps_all_of_few_and_both_ends_of_many():
    assert thinned(24, 34) == list(range(24))
    assert thinned(1, 34) == [0]
    many = thinned(301, 40)
    assert len(many) == 40 and many[0] == 0 and many[-1] == 300


def test_the_same_pictures_are_the_same_bytes(tmp_path):
    image = torch.rand(3, 8, 8, generator=torch.Generator().manual_seed(0))
    for name in ("a.png", "b.png"):
        grid(tmp_path / name, [[image, image]], ["row"], ["one", "two"], [["under", ""]])
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


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
