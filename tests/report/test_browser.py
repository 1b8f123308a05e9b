"""The report in a real browser, opened from disk: nothing leaves, all is seen, and the keyboard does all."""

import json
from importlib import resources
from pathlib import Path

import pytest

from fundiff.report.source import source_of
from tests.report.test_page import ROOT, built, project

SIZES = {390: 844, 1280: 900, 1920: 1080}


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

    def laid_out(self):
        """The page with all its sections laid out, as if each had been scrolled to."""
        self.page.add_style_tag(content="section { content-visibility: visible !important }")
        self.page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        return self.page


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
        sheet.laid_out()
        sheet.page.evaluate(axe)
        found = sheet.page.evaluate("axe.run({resultTypes: ['violations']}).then(r => r.violations)")
        assert not [(rule["id"], rule["nodes"][0]["html"][:200]) for rule in found]


@pytest.mark.parametrize("width", SIZES)
def test_nothing_is_wider_than_the_screen(browser, html, width):
    with Sheet(browser, html, width, reduced_motion="reduce") as sheet:
        assert sheet.laid_out().evaluate("document.documentElement.scrollWidth") == width


def test_sliders_move_by_mouse_and_by_keyboard(browser, html):
    with Sheet(browser, html, reduced_motion="reduce") as sheet:
        pair = sheet.laid_out().locator(".pair").first  # so that nothing moves under the mouse
        pair.scroll_into_view_if_needed()
        box = pair.bounding_box()
        sheet.page.mouse.click(box["x"] + box["width"] * 0.25, box["y"] + box["height"] / 2)
        by_mouse = pair.evaluate("e => parseFloat(e.style.getPropertyValue('--at'))")
        assert 20 <= by_mouse <= 30
        pair.locator("input").focus()
        sheet.page.keyboard.press("ArrowRight")
        assert pair.evaluate("e => parseFloat(e.style.getPropertyValue('--at'))") == by_mouse + 1


@pytest.mark.parametrize("options", [{"reduced_motion": "reduce"}, {"java_script_enabled": False}])
def test_films_rest_on_the_finished_picture_and_say_which(browser, html, options):
    with Sheet(browser, html, **options) as sheet:
        films = sheet.page.locator(".film")
        for i in range(films.count()):
            rest = films.nth(i).locator(".rest")
            rest.scroll_into_view_if_needed()
            assert rest.is_visible() and rest.evaluate("e => getComputedStyle(e).opacity") == "1"
            labels = json.loads(films.nth(i).get_attribute("data-labels"))
            assert films.nth(i).locator("output").text_content() == labels[-1]
            assert films.nth(i).locator("input").get_attribute("max") == str(len(labels) - 1)


def test_films_show_every_frame_with_its_label(browser, html):
    with Sheet(browser, html, reduced_motion="reduce") as sheet:
        film = sheet.page.locator(".film").nth(1)
        labels, seen = json.loads(film.get_attribute("data-labels")), set()
        film.locator("input").focus()
        sheet.page.keyboard.press("Home")
        for label in labels[:-1]:
            assert film.locator("output").inner_text() == label
            assert film.locator("input").get_attribute("aria-valuetext") == label
            assert film.locator(".rest").evaluate("e => getComputedStyle(e).opacity") == "0"
            seen.add(film.locator(".reel").get_attribute("style"))
            sheet.page.keyboard.press("ArrowRight")
        assert len(seen) == len(labels) - 1
        assert film.locator(".rest").evaluate("e => getComputedStyle(e).opacity") == "1"


ENDED = "last => document.querySelectorAll('.film')[1].querySelector('input').value === last"


@pytest.mark.parametrize("way", ["mouse", "finger", "keyboard"])
def test_films_play_on_demand(browser, html, way):
    options = {"has_touch": True, "is_mobile": True} if way == "finger" else {}
    with Sheet(browser, html, 390 if options else 1280, reduced_motion="reduce", **options) as sheet:
        film = sheet.page.locator(".film").nth(1)
        last, play = film.locator("input").get_attribute("max"), film.locator(".play")
        play.scroll_into_view_if_needed()
        if way == "keyboard":
            play.focus()
            sheet.page.keyboard.press("Enter")
        else:
            play.click() if way == "mouse" else play.tap()
        assert play.get_attribute("aria-label").startswith("Pause")
        sheet.page.wait_for_function(ENDED, arg=last)
        assert play.get_attribute("aria-label").startswith("Play")


def test_films_play_once_when_seen(browser, html):
    with Sheet(browser, html, reduced_motion="no-preference") as sheet:
        film = sheet.page.locator(".film").nth(1)
        last = film.locator("input").get_attribute("max")
        film.scroll_into_view_if_needed()
        for ended in (ENDED.replace("===", "!=="), ENDED):
            sheet.page.wait_for_function(ended, arg=last)


def changed(gesture, kind: str) -> bool:
    """Whether the gesture shows its second picture: turned, small, or dissolved into another."""
    which = gesture.locator("img").nth(1 if kind == "dissolve" else 0)
    style = which.evaluate("e => [getComputedStyle(e).transform, getComputedStyle(e).opacity]")
    second = style[1] == "1" if kind == "dissolve" else style[0] != "none"
    words = [gesture.locator(f".{part}").is_visible() for part in ("before", "after")]
    assert words == [not second, second]
    return second


@pytest.mark.parametrize("way", ["mouse", "finger", "keyboard"])
def test_gestures_answer_with_picture_and_words(browser, html, way):
    options = {"has_touch": True, "is_mobile": True} if way == "finger" else {}
    with Sheet(browser, html, 390 if options else 1280, reduced_motion="reduce", **options) as sheet:
        for kind in ("turn", "shrink", "dissolve"):
            gesture = sheet.page.locator(f".gesture.{kind}").first
            gesture.scroll_into_view_if_needed()
            sheet.page.mouse.move(0, 0)
            assert not changed(gesture, kind)
            if way == "mouse":
                gesture.hover()
                assert changed(gesture, kind)
                sheet.page.mouse.move(0, 0)
                assert not changed(gesture, kind)
                continue
            for pressed in ("true", "false"):
                if way == "keyboard":
                    gesture.focus()
                    sheet.page.keyboard.press("Enter")
                else:
                    gesture.tap()
                assert gesture.get_attribute("aria-pressed") == pressed
                assert changed(gesture, kind) == (pressed == "true")


def test_a_hybrid_shrinks_to_a_quarter(browser, html):
    with Sheet(browser, html, reduced_motion="reduce") as sheet:
        gesture = sheet.page.locator(".gesture.shrink").first
        wide = gesture.locator("img").bounding_box()["width"]
        gesture.hover()
        assert gesture.locator("img").bounding_box()["width"] == pytest.approx(wide / 4, abs=1)


SCRUBBERS = {  # at least so many pictures move
    "#tiles-sdedit": 2, "#a-one-step .scrub": 2, "#a-iterative .scrub": 3, "#a-guidance .sheet": 5, "#c-samplers .sheet": 1,
}  # fmt: skip


@pytest.mark.parametrize("way", ["mouse", "finger", "keyboard"])
def test_a_scrubber_moves_all_its_pictures(browser, html, way):
    options = {"has_touch": True, "is_mobile": True} if way == "finger" else {}
    with Sheet(browser, html, 390 if options else 1280, reduced_motion="reduce", **options) as sheet:
        for selector, count in SCRUBBERS.items():
            host = sheet.page.locator(selector).first
            # an edit's original stands still beside it
            images, knobs = host.locator(".large div:not(.beside) img"), host.locator(".controls input")
            assert images.count() >= count and knobs.count() >= 1
            still = images.count() if selector == "#tiles-sdedit" else 0
            assert host.locator(".large .beside").count() == still
            for k in range(knobs.count()):
                assert_it_moves(sheet.page, knobs.nth(k), host.locator("output").nth(k), images, way)


def assert_it_moves(page, knob, output, images, way: str) -> None:
    """Every picture is another one, and the words too, after the knob went from one end to the other."""
    knob.scroll_into_view_if_needed()
    knob.evaluate("e => { e.value = e.max; e.dispatchEvent(new Event('input')); }")
    before = [images.nth(i).get_attribute("src") for i in range(images.count())]
    told, box = output.inner_text(), knob.bounding_box()
    at = {"x": 3, "y": box["height"] / 2}
    if way == "mouse":
        knob.click(position=at)
    elif way == "finger":
        knob.tap(position=at)
    else:
        knob.focus()
        page.keyboard.press("Home")
    after = [images.nth(i).get_attribute("src") for i in range(images.count())]
    assert not set(before) & set(after)
    assert output.inner_text() not in (told, "")
    assert knob.get_attribute("aria-valuetext") == output.inner_text()


def test_without_scripts_every_picture_is_there(browser, html):
    with Sheet(browser, html, java_script_enabled=False) as sheet:
        for grid in (
            "#tiles-sdedit",
            "#a-guidance .sheet",
            "#c-samplers .sheet",
            "#tiles-iterative_denoising",
        ):
            tiles = sheet.page.locator(f"{grid} .tile")
            assert tiles.count() > 1 and all(tiles.nth(i).is_visible() for i in range(tiles.count()))
        assert not sheet.page.locator(".controls:visible").count()
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
    shrunk = """() => [...document.querySelectorAll(".plate img")].map((i) =>
        [i.alt, i.getBoundingClientRect().width, i.getAttribute("width")]).filter(([, seen, all]) => seen < Math.min(0.75 * all, 900))"""
    with Sheet(browser, html, 390, reduced_motion="reduce") as sheet:
        assert sheet.laid_out().evaluate(small) == []
        assert sheet.page.evaluate(shrunk) == []


def test_the_page_is_quick_and_still_on_a_slow_phone(browser, html):
    with Sheet(browser, html, 390) as sheet:
        page, session = sheet.page, sheet.page.context.new_cdp_session(sheet.page)
        page.goto("about:blank")
        # Time of the page's own thread, so that a busy machine does not count; a phone has a quarter of the speed.
        session.send("Performance.enable", {"timeDomain": "threadTicks"})
        page.goto(html.as_uri())
        page.wait_for_load_state("load")
        metrics = {row["name"]: row["value"] for row in session.send("Performance.getMetrics")["metrics"]}
        ready = 4 * metrics["TaskDuration"]
        shift = page.evaluate(
            """() => new Promise((done) => {
                let sum = 0;
                new PerformanceObserver((list) => { for (const e of list.getEntries()) sum += e.hadRecentInput ? 0 : e.value; })
                    .observe({ type: "layout-shift", buffered: true });
                setTimeout(() => done(sum), 500);
            })"""
        )
        print(f"interactive after {ready:.2f} s at a quarter of the speed, layout shift {shift:.3f}")
        assert 0 < ready < 2 and shift < 0.1


def test_pictures_below_the_first_screen_are_lazy(browser, html):
    with Sheet(browser, html) as sheet:
        eager = """() => [...document.querySelectorAll("main img")].filter((i) =>
            i.loading !== "lazy" && !i.closest(".large")).map((i) => i.alt || i.className)"""
        assert sheet.page.evaluate(eager) == []


def test_what_is_printed_fits_the_paper_and_unfolds(browser, html):
    with Sheet(browser, html, reduced_motion="reduce") as sheet:
        page = sheet.page
        page.emulate_media(media="print")
        page.set_viewport_size({"width": 718, "height": 1000})  # A4 within its margins
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert page.evaluate("document.documentElement.scrollWidth") <= 718
        wide = """() => [...document.querySelectorAll("main table, main img, main svg, main pre")].filter((e) =>
            e.checkVisibility() && !e.matches(".reel") && e.getBoundingClientRect().right > 719).map((e) => e.outerHTML.slice(0, 90))"""
        assert page.evaluate(wide) == []
        assert page.evaluate("[...document.querySelectorAll('main details')].every((d) => d.open)")
        assert not page.locator(".controls:visible, .toc:visible, .live:visible").count()


@pytest.mark.parametrize("width", [1280, 1920])
def test_the_speed_table_fits_beside_the_contents(browser, html, width):
    with Sheet(browser, html, width) as sheet:
        box = sheet.laid_out().locator("#m-speed .scroll")
        assert box.evaluate("e => e.scrollWidth <= e.clientWidth")


def test_an_equation_wider_than_the_phone_scrolls_and_says_so(browser, html):
    with Sheet(browser, html, 390, reduced_motion="reduce") as sheet:
        state = "e => [e.scrollWidth > e.clientWidth + 1, e.classList.contains('more'), e.tabIndex === 0]"
        told = sheet.laid_out().evaluate(
            f"""[...document.querySelectorAll("main .equation, main .scroll")]
            .filter((e) => e.checkVisibility()).map({state})"""
        )
        assert any(wide for wide, _, _ in told)
        assert all(wide == hint == reached for wide, hint, reached in told)


def test_bars_have_the_length_of_their_share(browser, html):
    with Sheet(browser, html) as sheet:
        lengths = """() => [...document.querySelectorAll(".key .bar")].map((b) => [parseFloat(b.style.getPropertyValue("--share")),
            b.getBoundingClientRect().width, b.parentNode.getBoundingClientRect().width - 4.2 * 16])"""
        for share, length, room in sheet.page.evaluate(lengths):
            assert length == pytest.approx(max(2, share * room), abs=1.5)


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


ERRORS = "window.errors = []; addEventListener('error', (event) => errors.push(event.message));"


def test_no_error_reaches_the_window_while_the_page_is_read(browser, html):
    with Sheet(browser, html, 390, reduced_motion="reduce") as sheet:
        sheet.page.add_init_script(ERRORS)
        sheet.page.reload()
        sheet.laid_out()
        sheet.page.set_viewport_size({"width": 1280, "height": 900})
        sheet.page.wait_for_timeout(200)
        assert sheet.page.evaluate("errors") == []


@pytest.mark.parametrize("width", [390, 1280])
def test_code_fits_its_box_and_keeps_every_line(browser, html, width):
    with Sheet(browser, html, width, reduced_motion="reduce") as sheet:
        page = sheet.laid_out()
        assert page.locator("pre").count() > 3
        wide = """() => [...document.querySelectorAll("pre")].filter((e) => e.scrollWidth > e.clientWidth).map((e) => e.ariaLabel)"""
        assert page.evaluate(wide) == []
        anagram = page.locator("pre[aria-label='Source of anagram']")
        assert anagram.text_content() == source_of("fundiff.sampling.estimators:anagram").text


def test_gestures_stand_side_by_side(browser, html):
    tops = """() => [...document.querySelectorAll(".cards")].map((cards) =>
        new Set([...cards.children].map((card) => card.getBoundingClientRect().top)).size)"""
    with Sheet(browser, html, reduced_motion="reduce") as sheet:
        assert set(sheet.laid_out().evaluate(tops)) == {1}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_plots_and_scroll_bars_do_not_glare_in_the_dark(browser, html, scheme):
    with Sheet(browser, html, 1920, color_scheme=scheme) as sheet:
        plots = sheet.page.locator(".plate .zoom")
        found = {plots.nth(i).evaluate("e => getComputedStyle(e).filter") for i in range(plots.count())}
        assert found <= {"brightness(0.8)" if scheme == "dark" else "none"}
        bars = """() => [...document.querySelectorAll(".toc, .scroll, .equation")].map((e) => getComputedStyle(e).scrollbarColor)"""
        assert all(bar.endswith("rgba(0, 0, 0, 0)") for bar in sheet.page.evaluate(bars))


def test_a_figure_taller_than_the_paper_may_go_on_overleaf(browser, html):
    with Sheet(browser, html, reduced_motion="reduce") as sheet:
        sheet.page.emulate_media(media="print")
        inside = """() => [".tiles", ".tile", ".film"].map((q) => getComputedStyle(document.querySelector(q)).breakInside)"""
        assert sheet.page.evaluate(inside) == ["auto", "avoid", "avoid"]
