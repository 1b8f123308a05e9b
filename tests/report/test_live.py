"""The network in the page: weights folded and rounded, and the same digits as torch in a real browser."""

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from fundiff.digits.networks import epoch_file, save_config, save_epoch
from fundiff.digits.unet import UNet
from fundiff.report.live import network
from fundiff.sampling.loop import strided
from tests.report.test_browser import Sheet
from tests.report.test_page import built, project

CONFIG = {"hidden_size": 8, "time": True, "classes": 10, "objective": "flow", "timesteps": 300, "epochs": 2}
SHOWN = """async ({ starts, labels, guidance, calls }) =>
    (await fundiffLive.sample(starts, labels, guidance, calls)).map((x) => [...x])"""


def trained(folder: Path, hidden: int = 8) -> UNet:
    """A network with statistics and weights unlike those it is born with, kept in a folder."""
    torch.manual_seed(0)
    unet = UNet(hidden, time=True, classes=10, multiplied=True)
    for module in unet.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            for value in (module.weight, module.bias, module.running_mean, module.running_var):
                value.data += 0.4 * (torch.rand_like(value) - 0.5)
    save_epoch(folder, 2, unet)
    save_config(folder, CONFIG | {"hidden_size": hidden})
    return unet.eval()


@torch.no_grad()
def drawn(unet: UNet, starts: torch.Tensor, labels: list[int], guidance: float, calls: int) -> np.ndarray:
    """Euler's steps written out: time from 0 (noise) to 1 (digit), guided by the network without a class."""
    x, onehot = starts, torch.eye(10)[labels]
    times = [1 - (t + 1) / CONFIG["timesteps"] for t in strided(CONFIG["timesteps"], calls)]
    for now, then in pairwise(times):
        t = torch.full((len(x), 1), now)
        with_class, without = unet(x, t, onehot), unet(x, t, torch.zeros_like(onehot))
        x = x + (then - now) * (without + guidance * (with_class - without))
    return x.flatten(1).numpy()


@pytest.fixture(scope="module")
def live(tmp_path_factory) -> tuple[Path, UNet]:
    root = project(tmp_path_factory.mktemp("live"))
    unet = trained(root / "models/flow")
    (root / "report/index.html").write_text(built(root), encoding="utf-8")
    return root / "report/index.html", unet


@pytest.mark.parametrize(("guidance", "calls"), [(1, 3), (3, 5)])
def test_the_browser_draws_what_torch_draws(browser, live, guidance, calls):
    html, unet = live
    starts = torch.randn(3, 1, 28, 28, generator=torch.Generator().manual_seed(1))
    labels = [0, 7, 9]
    with Sheet(browser, html) as sheet:
        told = {"starts": starts.flatten(1).tolist(), "labels": labels, "guidance": guidance, "calls": calls}
        found = np.array(sheet.page.evaluate(SHOWN, told))
        assert not sheet.complaints
    wanted = drawn(unet, starts, labels, guidance, calls)
    assert np.abs(wanted).max() > 0.5
    assert np.abs(found - wanted).max() < 1e-3


def test_digits_appear_and_a_drawn_one_is_denoised(browser, live):
    with Sheet(browser, live[0]) as sheet:
        page = sheet.page
        page.locator("#live").scroll_into_view_if_needed()
        page.wait_for_selector(".live[data-ready]", timeout=60_000)
        assert page.locator(".digits canvas").count() == 10
        assert page.locator(".status").inner_text().startswith("5 calls")
        paper = page.locator(".paper")
        paper.scroll_into_view_if_needed()
        box = paper.bounding_box()
        page.mouse.move(box["x"] + 30, box["y"] + 20)
        page.mouse.down()
        page.mouse.move(box["x"] + 30, box["y"] + 70, steps=4)
        page.mouse.up()
        light = "e => e.getContext('2d').getImageData(0, 0, 28, 28).data.reduce((a, b) => a + b) - 784 * 255"
        assert paper.evaluate(light) > 5000
        page.locator(".restore").focus()
        page.keyboard.press("Enter")
        page.wait_for_selector(".live[data-restored]", timeout=60_000)
        assert page.locator(".denoised").evaluate(light) != page.locator(".noised").evaluate(light) > 0
        page.locator(".clear").click()
        assert paper.evaluate(light) == 0
        page.locator(".borrow").click()
        assert paper.evaluate(light) > 0
        assert not sheet.complaints


@pytest.mark.parametrize("change", [{"objective": "eps"}, {"classes": 0}, {"time": False}, {"epochs": 3}])
def test_a_network_of_another_kind_is_left_out(tmp_path, change):
    trained(tmp_path)
    assert network(tmp_path) is not None
    save_config(tmp_path, CONFIG | change)
    assert network(tmp_path) is None


def test_no_network_and_a_broken_one_are_left_out(tmp_path):
    assert network(tmp_path / "none") is None
    trained(tmp_path)
    epoch_file(tmp_path, 2).write_bytes(b"broken")
    assert network(tmp_path) is None


def test_the_page_without_a_network_says_nothing_of_it(tmp_path):
    page = built(project(tmp_path))
    assert 'id="live"' not in page and "fundiffLive" not in page


def test_the_networks_weights_are_few_bytes(tmp_path):
    unet = trained(tmp_path, hidden=16)
    parameters = sum(p.numel() for p in unet.parameters())
    assert len(json.dumps(network(tmp_path))) < 2.9 * parameters


def test_exporting_loads_no_torch():
    code = "import sys, fundiff.report.live; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_a_digit_is_drawn_by_keyboard(browser, live):
    html, _ = live
    inked = """() => { const paper = document.querySelector(".paper");
        return paper.getContext("2d").getImageData(0, 0, 28, 28).data.filter((v, i) => i % 4 === 0 && v === 255).length; }"""
    with Sheet(browser, html) as sheet:
        page = sheet.page
        page.locator(".paper").focus()
        page.keyboard.press("ArrowUp")
        assert page.evaluate(inked) == 0  # the pen is seen, and draws nothing before it is down
        page.keyboard.press("Space")
        for _ in range(6):
            page.keyboard.press("ArrowDown")
        drawn = page.evaluate(inked)
        assert drawn >= 6
        page.keyboard.press("Space")
        page.keyboard.press("ArrowRight")
        page.locator(".restore").focus()
        assert page.evaluate(inked) == drawn + 1  # the pen's spot no longer hides the ink below it
