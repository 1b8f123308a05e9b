"""The report in a real browser, opened from disk: nothing leaves, all is seen, and the keyboard does all."""

import os
import shutil
from importlib import resources
from pathlib import Path

import pytest

from tests.report.test_page import ROOT, built, project

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
SIZES = {390: 844, 1280: 900}

if not CHROMIUM and not os.environ.get("CI"):
    pytest.skip(
        "no Chromium found: apt-get install chromium to test the report in it", allow_module_level=True
    )


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    assert CHROMIUM, "CI is set and no Chromium is found"
    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module", params=["made up", "committed"])
def html(request, tmp_path_factory) -> Path:
    """The report of a made-up project, then the one in the repository."""
    if request.param == "committed":
        if not (ROOT / "report/index.html").exists():
            pytest.skip("no report/index.html yet: `dvc repro` makes it")
        return ROOT / "report/index.html"
    root = project(tmp_path_factory.mktemp("page"))
    (root / "report/index.html").write_text(built(root), encoding="utf-8")
    return root / "report/index.html"


class Sheet:
    """The page opened in one way, and all that it asked for or complained about."""

    def __init__(self, browser, html: Path, width: int = 1280, **options):
        self.context = browser.new_context(viewport={"width": width, "height": SIZES[width]}, **options)
        self.page = self.context.new_page()
        self.asked: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(html.as_uri())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.close()

    def position(self, selector: str) -> str:
        """The transform of a film's sheet or the line of a pair, as the style says."""
        return self.page.eval_on_selector(selector, "e => e.style.cssText")


def test_nothing_leaves_and_every_image_decodes(browser, html):
    with Sheet(browser, html) as sheet:
        page = sheet.page
        page.evaluate("scrollTo({top: document.body.scrollHeight, behavior: 'instant'})")
        page.wait_for_timeout(300)
        broken = page.evaluate(
            """async () => {
                const seen = (i) => i.decode().then(() => i.naturalWidth > 0, () => false);
                const all = await Promise.all([...document.images].map(async (i) => [await seen(i), i.alt]));
                return all.filter(([decoded]) => !decoded).map(([, alt]) => alt);
            }"""
        )
        assert not broken
        assert [url for url in sheet.asked if not url.startswith("data:")] == [html.as_uri()]
        assert not sheet.complaints


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1280, "dark")])
def test_axe_finds_nothing(browser, html, width, scheme):
    axe = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    with Sheet(browser, html, width, color_scheme=scheme, reduced_motion="reduce") as sheet:
        sheet.page.evaluate(axe)
        found = sheet.page.evaluate("axe.run({resultTypes: ['violations']}).then(r => r.violations)")
        assert not [(rule["id"], rule["nodes"][0]["html"][:200]) for rule in found]


@pytest.mark.parametrize("width", SIZES)
def test_nothing_is_wider_than_the_screen(browser, html, width, tmp_path_factory):
    with Sheet(browser, html, width, reduced_motion="reduce") as sheet:
        assert sheet.page.evaluate("document.documentElement.scrollWidth") == width
        shot = tmp_path_factory.getbasetemp() / f"report_{html.parent.parent.name}_{width}.png"
        sheet.page.screenshot(path=shot, full_page=True)
        print(f"screenshot: {shot}")


def test_sliders_move_by_mouse_and_by_keyboard(browser, html):
    with Sheet(browser, html, reduced_motion="reduce") as sheet:
        pair = sheet.page.locator(".pair").first
        pair.scroll_into_view_if_needed()
        box = pair.bounding_box()
        sheet.page.mouse.click(box["x"] + box["width"] * 0.25, box["y"] + box["height"] / 2)
        by_mouse = pair.evaluate("e => parseFloat(e.style.getPropertyValue('--at'))")
        assert 20 <= by_mouse <= 30
        pair.locator("input").focus()
        sheet.page.keyboard.press("ArrowRight")
        assert pair.evaluate("e => parseFloat(e.style.getPropertyValue('--at'))") == by_mouse + 1


def test_films_rest_where_motion_is_not_wanted_and_play_on_demand(browser, html):
    with Sheet(browser, html, reduced_motion="reduce") as sheet:
        film = sheet.page.locator(".film").nth(1)
        film.scroll_into_view_if_needed()
        sheet.page.wait_for_timeout(400)
        assert film.locator("input").input_value() == "0"
        film.locator(".play").focus()
        sheet.page.keyboard.press("Enter")
        last = film.locator("input").get_attribute("max")
        sheet.page.wait_for_function(
            "last => document.querySelectorAll('.film')[1].querySelector('input').value === last", arg=last
        )
        film.locator("input").focus()
        sheet.page.keyboard.press("Home")
        first = film.locator("img").get_attribute("style")
        sheet.page.keyboard.press("ArrowRight")
        assert film.locator("input").input_value() == "1"
        assert film.locator("img").get_attribute("style") != first


def test_films_play_once_when_seen(browser, html):
    with Sheet(browser, html, reduced_motion="no-preference") as sheet:
        film = sheet.page.locator(".film").nth(1)
        film.scroll_into_view_if_needed()
        last = film.locator("input").get_attribute("max")
        sheet.page.wait_for_function(
            "last => document.querySelectorAll('.film')[1].querySelector('input').value === last", arg=last
        )


def test_figures_are_enlarged_by_mouse_and_by_keyboard(browser, html):
    with Sheet(browser, html, reduced_motion="reduce") as sheet:
        page, viewer = sheet.page, sheet.page.locator("#viewer")
        zoom = page.locator(".zoom").first
        zoom.click()
        assert viewer.is_visible()
        alt = viewer.locator("img").get_attribute("alt")
        assert alt == zoom.locator("img").get_attribute("alt")
        page.keyboard.press("ArrowRight")
        assert viewer.locator("img").get_attribute("alt") != alt
        viewer.locator(".previous").click()
        assert viewer.locator("img").get_attribute("alt") == alt
        page.keyboard.press("Escape")
        assert not viewer.is_visible()
        page.locator(".zoom").nth(1).focus()
        page.keyboard.press("Enter")
        assert viewer.is_visible()
        assert viewer.locator(".count").inner_text().startswith("2 of")
        viewer.locator(".close").click()
        assert not viewer.is_visible()
        assert page.evaluate("document.activeElement === document.querySelectorAll('.zoom')[1]")
