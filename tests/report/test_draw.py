"""The drawing page: what it writes loads as it is."""

from importlib import resources
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from fundiff.pictures.masks import Mask, load_mask
from fundiff.pictures.sources import Source, picture
from fundiff.report.page import render
from fundiff.report.results import load_stages
from tests.report.test_browser import Sheet
from tests.report.test_page import inputs, project


@pytest.fixture(scope="module")
def desk(tmp_path_factory) -> Path:
    root = project(tmp_path_factory.mktemp("draw"))
    params = yaml.safe_load((root / "params.yaml").read_text(encoding="utf-8"))["report"]
    path = root / "report/draw.html"
    path.write_text(render(root, load_stages(root, inputs(root)), params, "draw.html"), encoding="utf-8")
    return path


def stroke(page, *points: tuple[float, float]) -> None:
    box = page.locator("canvas").bounding_box()
    at = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*at[0])
    page.mouse.down()
    for point in at[1:]:
        page.mouse.move(*point)
    page.mouse.up()


def lines(page) -> dict:
    return yaml.safe_load(page.locator("textarea").input_value())


def test_a_drawing_is_a_source_as_it_is(browser, desk):
    with Sheet(browser, desk) as sheet:
        page = sheet.page
        page.locator("[name=name]").fill("kite")
        stroke(page, (0.2, 0.2), (0.8, 0.2))
        page.locator("[name=tool][value=area]").check()
        stroke(page, (0.3, 0.5), (0.7, 0.5), (0.5, 0.9))
        source = Source.model_validate(lines(page)["kite"])
        assert [one.fill for one in source.strokes] == [False, True]
        pixels = np.asarray(picture(source, 64))
        for y, x, color in ((13, 32, (216, 50, 42)), (38, 32, (216, 50, 42)), (60, 5, (255, 255, 255))):
            assert np.abs(pixels[y, x].astype(int) - color).max() < 20
        page.locator(".undo").click()
        assert len(lines(page)["kite"]["strokes"]) == 1
        assert not sheet.complaints and sheet.asked == [desk.as_uri()]


def test_axe_finds_nothing_in_it(browser, desk):
    axe = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    with Sheet(browser, desk, color_scheme="dark") as sheet:
        sheet.page.evaluate(axe)
        found = sheet.page.evaluate("axe.run({resultTypes: ['violations']}).then(r => r.violations)")
        assert not [(rule["id"], rule["nodes"][0]["html"][:200]) for rule in found]


def test_a_mask_is_a_mask_as_it_is(browser, desk):
    with Sheet(browser, desk) as sheet:
        page = sheet.page
        page.locator("[name=kind][value=mask]").check()
        page.locator("[name=over]").select_option("tower")
        page.locator("[name=tool][value=area]").check()
        stroke(page, (0.25, 0.25), (0.75, 0.25), (0.75, 0.75), (0.25, 0.75))
        mask = load_mask(Mask.model_validate(lines(page)["mask"]), 64)
        assert mask[0, 20:44, 20:44].all() and not mask[0, :12].any()


def test_the_keyboard_draws_too(browser, desk):
    with Sheet(browser, desk, 390) as sheet:
        page = sheet.page
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        page.locator("canvas").focus()
        shown = """([x, y]) => [...document.querySelector("canvas").getContext("2d").getImageData(x, y, 1, 1).data].slice(0, 3)"""
        for key in ("Space", "ArrowRight", "ArrowRight", "Space", "Enter"):
            page.keyboard.press(key)
        assert page.locator(".status").inner_text() == "1 stroke"
        page.keyboard.press("ArrowDown")
        ring = [round(0.6 * 512) + 9, round(0.55 * 512)]  # a ring says where the pen is, while the keys draw
        assert page.evaluate(shown, ring) != [255, 255, 255]
        page.locator("[name=name]").focus()
        assert page.evaluate(shown, ring) == [255, 255, 255]
        assert lines(page)["mine"]["strokes"][0]["points"] == "0.5,0.5 0.6,0.5"


def test_a_saved_png_is_a_picture_and_a_mask_file(browser, desk, tmp_path):
    with Sheet(browser, desk) as sheet:
        page = sheet.page
        page.locator("[name=kind][value=mask]").check()
        page.locator("[name=width]").fill("0.3")
        stroke(page, (0.5, 0.5), (0.6, 0.5))
        with page.expect_download() as download:
            page.locator(".save").click()
        download.value.save_as(tmp_path / "mine.png")
    assert Image.open(tmp_path / "mine.png").size == (64, 64)
    mask = load_mask(Mask(file=str(tmp_path / "mine.png")), 64)
    assert mask[0, 32, 32] == 1 and mask[0, 2, 2] == 0


def test_without_scripts_there_are_no_tools_but_a_sentence(browser, desk):
    with Sheet(browser, desk, java_script_enabled=False) as sheet:
        assert "Drawing needs JavaScript" in sheet.page.locator("body").inner_text()
        assert not sheet.page.locator("canvas, button, input, textarea").filter(visible=True).count()
