"""A browser for the tests of the report."""

import os
import shutil

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="package")
def browser():
    """Chromium; without one the tests are skipped, but not in CI."""
    from playwright.sync_api import sync_playwright

    if not CHROMIUM and not os.environ.get("CI"):
        pytest.skip("no Chromium found: apt-get install chromium to test the report in it")
    assert CHROMIUM, "CI is set and no Chromium is found"
    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield chromium
        chromium.close()
