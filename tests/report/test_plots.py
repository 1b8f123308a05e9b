"""`dvc plots show` by the page in .dvc/plots.html: curves are drawn, and nothing is asked of the network."""

import shutil
import subprocess

import pytest

from tests.commands import shell
from tests.report.test_browser import Sheet
from tests.report.test_page import ROOT


@pytest.fixture
def plots(tmp_path):
    """The plots of a small project with this project's DVC settings."""
    shell(tmp_path, "git", "init", "-q")
    shell(tmp_path, "dvc", "init", "-q")
    for name in ("config", "plots.html"):
        shutil.copy(ROOT / ".dvc" / name, tmp_path / ".dvc" / name)
    (tmp_path / "loss.csv").write_text("epoch,loss\n1,0.5\n2,0.25\n3,0.125\n")
    (tmp_path / "dvc.yaml").write_text("plots:\n- loss.csv: {x: epoch, y: loss, title: A curve}\n")
    shell(tmp_path, "dvc", "plots", "show", "-q")
    return tmp_path / "dvc_plots/index.html"


def test_curves_are_drawn_without_a_network(plots, browser):
    assert "{plot_divs}" not in plots.read_text(encoding="utf-8")
    with Sheet(browser, plots, offline=True) as sheet:
        sheet.page.locator("canvas").wait_for()
        painted = sheet.page.evaluate(
            "(() => { const c = document.querySelector('canvas');"
            " return c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some((v) => v > 0); })()"
        )
        assert painted and sheet.page.locator("canvas").count() == 1
        assert sheet.asked == [plots.as_uri()]
        # Vega says this of every plot before its data are there.
        assert not [words for words in sheet.complaints if not words.startswith("WARN Infinite extent")]


def test_the_library_is_whole_and_none_of_it_is_taken_for_a_place_to_fill():
    page = (ROOT / ".dvc/plots.html").read_text(encoding="utf-8")
    assert [page.count("{" + place + "}") for place in ("plot_divs", "refresh_tag", "scripts")] == [1, 1, 0]
    assert page.count("<script>") == page.count("</script>") == 3 and "<script src" not in page
    tracked = subprocess.run(["git", "check-ignore", "-q", ".dvc/plots.html"], cwd=ROOT)
    assert tracked.returncode == 1, "a clone has to have it"
