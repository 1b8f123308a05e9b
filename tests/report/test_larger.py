"""Large pictures in the page: said so, their true pixels a link away, and none where none was made."""

import json
import re

import pytest

from fundiff.pipeline.errors import UserError
from fundiff.report import embedding
from fundiff.report.larger import Enlargements, Larger
from fundiff.report.page import render
from fundiff.report.results import load_stages
from tests.report.test_browser import Sheet
from tests.report.test_page import built, inputs, picture, project

ANAGRAM = "report/figures/visual_anagrams/single/man_fire.png"
EDITS = [
    f"report/figures/sdedit/single/tower_{kind}.png"
    for kind in ("level_01", "level_05", "level_20", "original")
]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A project in which the edits of one picture and an anagram were made large."""
    root = project(tmp_path_factory.mktemp("larger"))
    (root / "data/upscaled").mkdir(parents=True)
    for i, path in enumerate([*EDITS, ANAGRAM]):
        picture(root / "data/upscaled" / path.removeprefix("report/figures/"), 256, 256, i, channels=3)
    made = dict.fromkeys(EDITS, "realesrgan") | {ANAGRAM: "resize"}
    (root / "data/upscaled/made.json").write_text(json.dumps(made))
    return root


@pytest.fixture(scope="module")
def html(root):
    (root / "report/index.html").write_text(built(root), encoding="utf-8")
    return root / "report/index.html"


def section(html, name):
    return re.search(rf'<section id="{name}".*?</section>', html.read_text("utf-8"), re.DOTALL)[0]


def test_a_picture_is_large_where_there_is_a_large_one(root):
    enlargements = Enlargements(root)
    large, plain = enlargements.figure(ANAGRAM), enlargements.figure(EDITS[0].replace("tower", "red_bridge"))
    assert isinstance(large, Larger) and (large.width, large.height, large.sharp) == (256, 256, False)
    assert (root / "report" / large.true).samefile(root / ANAGRAM)
    assert not isinstance(plain, Larger) and (plain.width, plain.sharp) == (64, True)


def test_what_made_them_and_where_their_true_pixels_are(root):
    said = Enlargements(root).said
    assert said(EDITS) == ("Real-ESRGAN", "figures/sdedit/single")
    assert said([*EDITS, ANAGRAM, "report/figures/setup/setup.png"]) == (
        "Real-ESRGAN or Lanczos resizing",
        "figures",
    )
    assert said(["report/figures/setup/setup.png"]) == said([]) == ("", "")


def test_captions_say_so(html, root):
    sentence = 'Upscaled four times by {}; see <a href="{}/">the true pixels</a>.'
    assert sentence.format("Real-ESRGAN", "figures/sdedit/single") in section(html, "a-sdedit")
    assert sentence.format("Lanczos resizing", "figures/visual_anagrams/single") in section(
        html, "a-anagrams"
    )
    assert "Upscaled" not in section(html, "a-text") + section(html, "a-hybrids")
    links = re.findall(r'data-true="([^"]+)"', section(html, "a-sdedit"))
    assert links == [path.removeprefix("report/") for path in EDITS]


def test_without_large_pictures_the_page_has_the_true_ones(tmp_path):
    page = built(project(tmp_path))
    assert "Upscaled" not in page and "data-true=" not in page


def test_a_list_that_is_broken_and_a_picture_that_is_gone_are_one_line(tmp_path):
    (tmp_path / "data/upscaled").mkdir(parents=True)
    (tmp_path / "data/upscaled/made.json").write_text("{")
    with pytest.raises(UserError, match=r"made\.json: not JSON; delete it, and `dvc repro upscaling`"):
        Enlargements(tmp_path).figure(ANAGRAM)
    (tmp_path / "data/upscaled/made.json").write_text(json.dumps({ANAGRAM: "resize"}))
    with pytest.raises(UserError, match=r"man_fire\.png: not found; `dvc repro` makes it"):
        Enlargements(tmp_path).figure(ANAGRAM)


def test_the_page_for_drawing_takes_true_pixels(root):
    page = render(root, load_stages(root, inputs(root)), {"title": "", "gallery": []}, "draw.html")
    assert embedding.figure(root / EDITS[-1]).uri in page


def test_the_true_pixels_are_a_link_in_the_enlarged_view(html, browser):
    with Sheet(browser, html) as sheet:
        sheet.page.evaluate("for (const details of document.querySelectorAll('details')) details.open = true")
        sheet.page.locator("#tiles-sdedit .zoom").first.click()
        link = sheet.page.get_by_role("link", name="Its true pixels")
        assert link.get_attribute("href") == EDITS[0].removeprefix("report/")
        sheet.page.keyboard.press("Escape")
        sheet.page.locator("#a-text .zoom").first.click()
        assert link.count() == 0
        assert not sheet.complaints
