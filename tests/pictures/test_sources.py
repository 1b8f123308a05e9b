import hashlib

import numpy as np
import pytest
import torch
from PIL import Image

from fundiff.pictures.masks import Mask, load_mask, seam
from fundiff.pictures.sources import PACKAGED, Source, Stroke, drawn, load_picture, picture, save_png, squared
from fundiff.pipeline.errors import UserError
from fundiff.pipeline.params import validate


def test_a_picture_is_the_same_after_saving(tmp_path):
    image = torch.randint(0, 256, (3, 8, 8)) / 127.5 - 1
    save_png(tmp_path / "a.png", image)
    assert torch.allclose(load_picture(tmp_path, "a"), image, atol=1e-6)


@pytest.mark.parametrize("name", PACKAGED)
def test_package_photographs_are_there(name):
    image = np.asarray(picture(Source(package=name), 64))
    assert image.shape == (64, 64, 3) and image.std() > 20


@pytest.mark.parametrize("name", ["campanile", "golden_gate", "eiffel_tower", "crab"])
def test_the_projects_drawings_render(name):
    image = np.asarray(picture(Source(file=f"data/images/{name}.svg"), 64))
    assert image.shape == (64, 64, 3) and image.std() > 20


def test_center_cuts_and_resize_squeezes():
    image = Image.new("RGB", (40, 20), "white")
    image.paste("black", (0, 0, 10, 20))
    assert np.asarray(squared(image, 20, "center")).min() == 255
    assert np.asarray(squared(image, 20, "resize"))[:, :4].max() < 10


def test_strokes_are_drawn_where_their_points_are():
    image = np.asarray(drawn([Stroke(points=[(0.5, 0.0), (0.5, 1.0)], width=0.2)], "white", 100))
    assert image[50, 50].max() == 0 and image[50, 20].min() == 255
    area = np.asarray(
        drawn([Stroke(points=[(0, 0), (1, 0), (1, 1), (0, 1)], fill=True, color="red")], "white", 10)
    )
    assert (area[5, 5] == (255, 0, 0)).all()


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({}, "exactly one of file, package, url, strokes"),
        ({"file": "a.png", "package": "rocket"}, "exactly one of file, package, url, strokes"),
        ({"url": "https://x/y.png"}, "url and sha256 together"),
        ({"package": "rockett"}, "expected 'rocket', 'chelsea', 'coffee' or 'astronaut'"),
        ({"fil": "a.png"}, "fil is not a key of source; did you mean 'file'"),
    ],
)
def test_a_wrong_source_is_one_line(source, message):
    with pytest.raises(UserError, match=message):
        validate(Source, "source", source)


def test_wrong_files_are_one_line(tmp_path):
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "broken.svg").write_text("<svg")
    for name, message in (
        ("none.png", "no such image"),
        ("text.png", "not a readable"),
        ("broken.svg", "not a readable"),
    ):
        with pytest.raises(UserError, match=message):
            picture(Source(file=str(tmp_path / name)), 64)
    with pytest.raises(UserError, match="colur"):
        picture(Source(strokes=[Stroke(points=[(0, 0), (1, 1)], color="colur")]), 64)


def test_a_url_is_checked_by_its_hash(tmp_path):
    save_png(tmp_path / "a.png", torch.zeros(3, 8, 8))
    url = (tmp_path / "a.png").as_uri()
    right = hashlib.sha256((tmp_path / "a.png").read_bytes()).hexdigest()
    assert picture(Source(url=url, sha256=right), 8).size == (8, 8)
    with pytest.raises(UserError, match="SHA-256 is"):
        picture(Source(url=url, sha256="0" * 64), 8)
    with pytest.raises(UserError, match="cannot be fetched"):
        picture(Source(url=url + "x", sha256=right), 8)


def test_an_unknown_picture_names_the_nearest(tmp_path):
    save_png(tmp_path / "campanile.png", torch.zeros(3, 8, 8))
    with pytest.raises(
        UserError, match=r"'campanille' is not a key of fetch_images.images; did you mean 'campanile'"
    ):
        load_picture(tmp_path, "campanille")


def test_the_courses_mask_is_rows_2_to_19_and_columns_24_to_41():
    mask = load_mask(Mask(rectangle=(2, 24, 20, 42)), 64)
    rows, columns = mask[0].nonzero(as_tuple=True)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (2, 19, 24, 41)
    assert mask.sum() == 18 * 18


def test_masks_by_file_and_by_strokes(tmp_path):
    image = Image.new("L", (16, 16))
    image.paste(255, (4, 4, 8, 8))
    image.save(tmp_path / "m.png")
    assert load_mask(Mask(file=str(tmp_path / "m.png")), 16).sum() == 16
    dot = load_mask(Mask(strokes=[Stroke(points=[(0.5, 0.5)], width=0.5)]), 64)
    assert abs(float(dot.sum()) - np.pi * 16**2) < 40


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (Mask(rectangle=(0, 0, 20, 8)), "does not lie in 16 x 16"),
        (Mask(rectangle=(4, 4, 4, 8)), "does not lie in 16 x 16"),
        (Mask(rectangle=(0, 0, 16, 16)), "marks everything"),
        (Mask(file="none.png"), "no such mask"),
    ],
)
def test_a_wrong_mask_is_one_line(mask, message):
    with pytest.raises(UserError, match=message):
        load_mask(mask, 16)


def test_a_mask_of_another_size_is_one_line(tmp_path):
    Image.new("L", (32, 16), 255).save(tmp_path / "m.png")
    with pytest.raises(UserError, match=r"the mask is 32 x 16; the picture is 16 x 16"):
        load_mask(Mask(file=str(tmp_path / "m.png")), 16)


def test_the_seam_is_the_step_across_the_masks_rim():
    mask = load_mask(Mask(rectangle=(2, 2, 6, 6)), 8)
    assert seam(torch.zeros(3, 8, 8), mask) == 0
    assert seam(mask.expand(3, -1, -1) * 2 - 1, mask) == 1
