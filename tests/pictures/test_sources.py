import hashlib
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import torch
from PIL import Image

from fundiff.pictures import sources
from fundiff.pictures.masks import Mask, load_mask, seam
from fundiff.pictures.sources import (
    PACKAGED,
    Source,
    Stroke,
    downloaded,
    drawn,
    load_picture,
    picture,
    save_png,
    squared,
)
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
    image = np.asarray(drawn([Stroke(points="0.5,0 0.5,1", width=0.2)], "white", 100))
    assert image[50, 50].max() == 0 and image[50, 20].min() == 255
    area = np.asarray(drawn([Stroke(points="0,0 1,0 1,1 0,1", fill=True, color="red")], "white", 10))
    assert (area[5, 5] == (255, 0, 0)).all()


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({}, "exactly one of file, package, url, strokes"),
        ({"file": "a.png", "package": "rocket"}, "exactly one of file, package, url, strokes"),
        ({"url": "https://x/y.png"}, "url and sha256 together"),
        ({"package": "rockett"}, "expected 'rocket', 'chelsea', 'coffee' or 'astronaut'"),
        ({"file": ""}, "at least 1 character"),
        ({"file": "a.png", "background": "colur"}, "a colour's name or #rrggbb"),
        ({"strokes": [{"points": "0,0", "color": "colur"}]}, "a colour's name or #rrggbb"),
        ({"strokes": [{"points": "0,0", "fill": True}]}, "three points or more of a filled stroke"),
        (
            {"strokes": [{"points": "0,1e300"}]},
            "source.strokes.0.points is '0,1e300'; expected points x,y from -10 to 10",
        ),
        ({"strokes": [{"points": "0,nan"}]}, "points is '0,nan'; expected points x,y"),
        ({"strokes": [{"points": ""}]}, "points is ''; expected .*: \"0,0.76 1,0.76\"$"),
        ({"strokes": [{"points": "0,0 1"}]}, "points is '0,0 1'; expected points x,y"),
        ({"strokes": [{"points": "a,b"}]}, "points is 'a,b'; expected points x,y"),
        ({"strokes": [{"points": 3}]}, "points is 3; expected points x,y"),
        (
            {"strokes": [{"points": [[0, 0.76], [1, 1]]}]},
            r'points is \[\[0, 0.76\], .*as text .*: "0,0.76 1,1"$',
        ),
        ({"strokes": [{"points": [0, "a"]}]}, 'expected points x,y .*: "0,0.76 1,0.76"$'),
        ({"url": "https://x/y.png", "sha256": "abc"}, "sha256 is 'abc'"),
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


@pytest.fixture
def server():
    """A local web server: its answers by path, and its address."""
    answers: dict[str, Callable] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            with suppress(OSError):
                answers[self.path](self)

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, args=[0.02], daemon=True).start()
        yield answers, f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


def answer(content: bytes, length: int | None = None) -> Callable:
    def given(request) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(len(content) if length is None else length))
        request.end_headers()
        request.wfile.write(content)

    return given


def endless(request) -> None:
    request.send_response(200)
    request.end_headers()
    while True:
        request.wfile.write(bytes(1 << 16))


def dripping(request) -> None:
    request.send_response(200)
    request.end_headers()
    while True:
        request.wfile.write(b"x")
        time.sleep(0.01)


def elsewhere(where: str) -> Callable:
    def given(request) -> None:
        request.send_response(302)
        request.send_header("Location", where)
        request.end_headers()

    return given


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_a_url_is_checked_by_its_hash(server, tmp_path):
    answers, address = server
    save_png(tmp_path / "a.png", torch.zeros(3, 8, 8))
    content = (tmp_path / "a.png").read_bytes()
    answers |= {"/a.png?b=1": answer(content), "/moved": elsewhere("/a.png?b=1")}
    for path in ("/a.png?b=1", "/moved"):
        assert picture(Source(url=address + path, sha256=sha256(content).upper()), 8).size == (8, 8)
    with pytest.raises(UserError, match=r"SHA-256 is .*; params.yaml says 0000"):
        picture(Source(url=address + "/moved", sha256="0" * 64), 8)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (answer(b"half of it", 20), "10 bytes are missing at its end"),
        (endless, "more than 1 MB"),
        (dripping, "no end after 0.5 s"),
        (elsewhere("file:///etc/hostname"), "cannot be fetched"),
        (elsewhere("ftp://localhost/a"), "cannot be fetched"),
        (elsewhere("/"), "cannot be fetched"),
        (lambda request: request.send_error(404), "HTTP Error 404"),
        (lambda request: request.wfile.write(b"no protocol"), "cannot be fetched"),
        (lambda request: request.connection.close(), "cannot be fetched"),
    ],
)
def test_an_answer_that_is_none_is_one_line(server, given, said, monkeypatch):
    monkeypatch.setattr(sources, "LARGEST", 1 << 20)
    monkeypatch.setattr(sources, "PATIENCE", 0.5)
    answers, address = server
    answers["/"] = given
    with pytest.raises(UserError, match=said) as error:
        downloaded(address + "/", "0" * 64)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("file:///etc/hostname", "an address that begins with https:// or http://"),
        ("ftp://localhost/a.png", "an address that begins with"),
        ("data:image/png;base64,AAAA", "an address that begins with"),
        ("https:///a.png", "an address that begins with"),
        ("https://[::1/a.png", "expected"),
        ("https://localhost/a b.png", "an address without spaces; write %20"),
        ("https://localhost/a\nb", "an address that begins with"),
        ("", "an address that begins with"),
    ],
)
def test_another_address_is_one_line(url, said):
    with pytest.raises(UserError, match=said) as error:
        validate(Source, "source", {"url": url, "sha256": "0" * 64})
    assert "\n" not in str(error.value)


def test_an_unknown_picture_names_the_nearest(tmp_path):
    save_png(tmp_path / "campanile.png", torch.zeros(3, 8, 8))
    with pytest.raises(
        UserError, match=r"'campanille' is not a key of fetch_images.images; did you mean 'campanile'"
    ):
        load_picture(tmp_path, "campanille")


def test_a_picture_of_another_size_than_the_models_is_one_line(tmp_path):
    save_png(tmp_path / "a.png", torch.zeros(3, 63, 63))
    assert load_picture(tmp_path, "a").shape == load_picture(tmp_path, "a", 63).shape == (3, 63, 63)
    with pytest.raises(
        UserError, match=r"fetch_images\.size is 63; the model draws 64 pixels, set it to that"
    ):
        load_picture(tmp_path, "a", 64)


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
    dot = load_mask(Mask(strokes=[Stroke(points="0.5,0.5", width=0.5)]), 64)
    assert abs(float(dot.sum()) - np.pi * 16**2) < 40


def test_the_hole_of_a_mask_is_where_new_content_goes(tmp_path):
    for kind, opaque in (("RGBA", (255, 255, 255, 255)), ("RGBA", (90, 20, 20, 255)), ("LA", (255, 255))):
        image = Image.new(kind, (16, 16), opaque)
        image.paste((0,) * len(opaque), (4, 4, 8, 8))
        image.save(tmp_path / "m.png")
        mask = load_mask(Mask(file=str(tmp_path / "m.png")), 16)
        assert mask.sum() == 16 and mask[0, 5, 5] == 1
    opaque = Image.new("RGBA", (16, 16), (0, 0, 0, 255))
    opaque.paste((255, 255, 255, 255), (4, 4, 8, 8))
    opaque.save(tmp_path / "m.png")
    assert load_mask(Mask(file=str(tmp_path / "m.png")), 16).sum() == 16, "nothing of it is transparent"


def test_a_dim_mask_of_16_bits_is_scaled_to_its_range(tmp_path):
    values = np.zeros((16, 16), np.uint16)
    values[4:8, 4:8] = 900
    Image.fromarray(values).save(tmp_path / "m.png")
    assert load_mask(Mask(file=str(tmp_path / "m.png")), 16).sum() == 16


def test_a_mask_drawn_as_svg_is_light_where_new_content_goes_and_never_squeezed(tmp_path):
    text = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {} 16"><rect width="4" height="16" fill="white"/></svg>'
    (tmp_path / "m.svg").write_text(text.format(16))
    assert load_mask(Mask(file=str(tmp_path / "m.svg")), 16).sum() == 64
    (tmp_path / "m.svg").write_text(text.format(32))
    with pytest.raises(UserError, match="the mask is 1024 x 512; the picture is 16 x 16"):
        load_mask(Mask(file=str(tmp_path / "m.svg")), 16)


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (Mask(rectangle=(0, 0, 20, 8)), "does not lie in 16 x 16"),
        (Mask(rectangle=(4, 4, 4, 8)), "does not lie in 16 x 16"),
        (Mask(rectangle=(0, 0, 16, 16)), "marks everything"),
        (Mask(file="none.png"), "no such mask"),
        (Mask(file="tests"), "give the path of the mask itself"),
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
