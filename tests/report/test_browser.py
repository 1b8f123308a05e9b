"""The report in a real browser, opened from disk: nothing leaves, all is seen, and the keyboard does all."""

import json
import os
import re
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
                for (const image of document.images) image.loading = "eager";
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


@pytest.mark.parametrize("options", [{"reduced_motion": "reduce"}, {"java_script_enabled": False}])
def test_films_rest_on_the_finished_picture(browser, html, options):
    with Sheet(browser, html, **options) as sheet:
        film = sheet.page.locator(".film").nth(1)
        film.scroll_into_view_if_needed()
        sheet.page.wait_for_timeout(400)
        shown = film.locator("input").input_value()
        assert shown == film.locator("input").get_attribute("max")
        columns, rows = (int(film.get_attribute(f"data-{side}")) for side in ("columns", "rows"))
        last = int(shown)
        moved = [
            float(n) for n in re.findall(r"-?[\d.]+(?=%[,)])", film.locator("img").get_attribute("style"))
        ]
        assert moved[0] == pytest.approx(-100 * (last % columns) / columns, abs=2)
        assert moved[1] == pytest.approx(-100 * (last // columns) / rows, abs=2)


def test_films_play_on_demand_and_frame_by_frame(browser, html):
    with Sheet(browser, html, reduced_motion="reduce") as sheet:
        film = sheet.page.locator(".film").nth(1)
        last = film.locator("input").get_attribute("max")
        film.locator("input").focus()
        sheet.page.keyboard.press("Home")
        first = film.locator("img").get_attribute("style")
        sheet.page.keyboard.press("ArrowRight")
        assert film.locator("input").input_value() == "1"
        assert film.locator("img").get_attribute("style") != first
        film.locator(".play").focus()
        sheet.page.keyboard.press("Enter")
        sheet.page.wait_for_function(
            "last => document.querySelectorAll('.film')[1].querySelector('input').value === last", arg=last
        )


def test_films_play_once_when_seen(browser, html):
    with Sheet(browser, html, reduced_motion="no-preference") as sheet:
        film = sheet.page.locator(".film").nth(1)
        last = film.locator("input").get_attribute("max")
        film.scroll_into_view_if_needed()
        for want in ("!==", "==="):
            sheet.page.wait_for_function(
                f"last => document.querySelectorAll('.film')[1].querySelector('input').value {want} last",
                arg=last,
            )


def turned(gesture) -> str:
    return gesture.locator("img").first.evaluate("e => getComputedStyle(e).transform")


def test_gestures_answer_to_mouse_and_keyboard(browser, html):
    with Sheet(browser, html, reduced_motion="reduce") as sheet:
        for kind in ("turn", "shrink"):
            gesture = sheet.page.locator(f".gesture.{kind}").first
            before, after = (gesture.locator(f".{part}") for part in ("before", "after"))
            sheet.page.mouse.move(0, 0)
            gesture.scroll_into_view_if_needed()
            assert turned(gesture) == "none" and before.is_visible() and not after.is_visible()
            gesture.hover()
            assert turned(gesture) != "none" and after.is_visible() and not before.is_visible()
            sheet.page.mouse.move(0, 0)
            assert turned(gesture) == "none"
            gesture.focus()
            sheet.page.keyboard.press("Enter")
            assert turned(gesture) != "none" and after.is_visible()
            assert gesture.get_attribute("aria-pressed") == "true"
            sheet.page.keyboard.press("Enter")
            assert turned(gesture) == "none" and gesture.get_attribute("aria-pressed") == "false"


def test_gestures_answer_to_a_finger(browser, html):
    with Sheet(browser, html, 390, has_touch=True, is_mobile=True, reduced_motion="reduce") as sheet:
        dissolve = sheet.page.locator(".gesture.dissolve").first
        dissolve.tap()
        assert dissolve.locator("img").nth(1).evaluate("e => getComputedStyle(e).opacity") == "1"
        dissolve.tap()
        assert dissolve.locator("img").nth(1).evaluate("e => getComputedStyle(e).opacity") == "0"


def test_a_scrubber_moves_all_its_pictures(browser, html):
    with Sheet(browser, html, reduced_motion="reduce") as sheet:
        for selector, count in (("#tiles-sdedit", 2), (".scrub", 1)):
            host = sheet.page.locator(selector).first
            images = host.locator(".large img")
            assert images.count() >= count
            before = [images.nth(i).get_attribute("src") for i in range(images.count())]
            host.locator(".controls input").focus()
            sheet.page.keyboard.press("Home")
            after = [images.nth(i).get_attribute("src") for i in range(images.count())]
            assert not set(before) & set(after)
            columns = json.loads(sheet.page.locator(".tiles").first.get_attribute("data-columns"))
            assert columns and host.locator("output").inner_text()


def test_without_scripts_every_picture_is_there(browser, html):
    with Sheet(browser, html, java_script_enabled=False) as sheet:
        assert sheet.page.locator("#tiles-sdedit .tile").first.is_visible()
        assert sheet.page.locator(".gesture .before").first.is_visible()
        assert not sheet.page.locator(".copy").count() and not sheet.page.locator(".live:visible").count()


def test_a_command_can_be_copied(browser, html):
    with Sheet(browser, html, permissions=["clipboard-read", "clipboard-write"]) as sheet:
        line = sheet.page.locator(".command").first
        line.locator(".copy").click()
        sheet.page.wait_for_function("document.querySelector('.copy').textContent === 'Copied'")
        assert sheet.page.evaluate("navigator.clipboard.readText()") == line.locator("code").inner_text()


def test_the_contents_are_reached_at_any_depth_of_a_phone(browser, html):
    with Sheet(browser, html, 390, reduced_motion="reduce") as sheet:
        page = sheet.page
        page.evaluate("scrollTo(0, document.body.scrollHeight / 2)")
        summary = page.locator(".toc summary")
        assert 0 <= summary.bounding_box()["y"] < 60
        summary.click()
        page.locator(".toc a[href='#b-time']").click()
        assert not page.locator(".toc a[href='#b-time']").is_visible()
        top = page.locator("#b-time").bounding_box()["y"]
        assert 0 <= top < 200
        page.locator(".toc .top").click()
        page.wait_for_timeout(200)
        assert page.evaluate("scrollY") < 100


def test_labels_are_large_enough_for_a_phone(browser, html):
    small = """() => [...document.querySelectorAll("main *, nav *")].filter((e) =>
        e.checkVisibility() && !e.closest("math, svg") && [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())
        && parseFloat(getComputedStyle(e).fontSize) < 11).map((e) => e.outerHTML.slice(0, 100))"""
    shrunk = """() => [...document.querySelectorAll(".plate img")].filter((i) =>
        i.getBoundingClientRect().width < Math.min(0.75 * i.width, 900)).map((i) => i.alt)"""
    with Sheet(browser, html, 390, reduced_motion="reduce") as sheet:
        assert sheet.page.evaluate(small) == []
        assert sheet.page.evaluate(shrunk.replace("i.width", "+i.getAttribute('width')")) == []


def test_the_page_is_quick_and_still_on_a_slow_phone(browser, html):
    with Sheet(browser, html, 390) as sheet:
        page = sheet.page
        page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": 4})
        page.goto("about:blank")
        page.goto(html.as_uri())
        page.wait_for_load_state("load")
        ready = page.evaluate("performance.getEntriesByType('navigation')[0].domInteractive")
        shift = page.evaluate(
            """() => new Promise((done) => {
                let sum = 0;
                new PerformanceObserver((list) => { for (const e of list.getEntries()) sum += e.hadRecentInput ? 0 : e.value; })
                    .observe({ type: "layout-shift", buffered: true });
                setTimeout(() => done(sum), 500);
            })"""
        )
        print(f"interactive after {ready:.0f} ms at a quarter of the speed, layout shift {shift:.3f}")
        assert shift < 0.1


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
