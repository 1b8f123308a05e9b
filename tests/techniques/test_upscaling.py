"""Larger pictures keep what the small ones show: their low frequencies, and every reading of an illusion."""

import pytest
import torch
from PIL import Image
from torch.nn.functional import avg_pool2d

from fundiff.prior.realesrgan import load_realesrgan
from fundiff.sampling.estimators import lowpass
from fundiff.techniques.upscaling import Upscaler, resized, true_from_afar, upscaled
from fundiff.views.registry import view_named


@pytest.fixture(scope="module")
def network():
    return load_realesrgan()


@pytest.fixture(scope="module")
def small():
    """A picture with shapes and a little grain."""
    x = torch.linspace(-1, 1, 32)
    shapes = torch.stack(
        [(x[:, None] > x) * 1.6 - 0.8, x.expand(32, 32), (x.square() > 0.3).float().expand(32, 32)]
    )
    return (shapes + 0.05 * torch.randn(3, 32, 32, generator=torch.Generator().manual_seed(0)))[None].clamp(
        -1, 1
    )


@pytest.mark.parametrize("views", [["identity"], ["identity", "flip"], ["rotate_90 then mirror", "identity"]])
def test_from_afar_it_is_the_small_picture(network, small, views):
    large = upscaled(network, small, [view_named(view) for view in views])
    assert large.shape == (1, 3, 128, 128) and large.abs().max() <= 1
    error = lowpass(avg_pool2d(large, 4) - small, 11, 2.0).abs()
    plain = lowpass(avg_pool2d(2 * network((small + 1) / 2).detach() - 1, 4) - small, 11, 2.0).abs()
    assert error.mean() < 0.006 and error.mean() < plain.mean() / 2


def test_what_is_missing_from_afar_is_added_and_nothing_else(small):
    exact = small.repeat_interleave(4, 2).repeat_interleave(4, 3)
    assert torch.allclose(true_from_afar(exact, small), exact, atol=1e-6)
    darker = true_from_afar(exact - 0.1, small)
    assert torch.allclose(darker, exact, atol=1e-5)


@pytest.mark.parametrize(
    "view", ["flip", "rotate_180", "negate", "mirror then cycle_colours then cycle_colours"]
)
def test_an_anagram_of_the_turned_picture_is_the_turned_anagram(network, small, view):
    """No reading is favoured: the small picture in another view gives the same large picture in that view."""
    view = view_named(view)
    both = [view_named("identity"), view]
    turned_first = view.inverse(upscaled(network, view.view(small), [view_named("identity"), Inverse(view)]))
    assert torch.allclose(upscaled(network, small, both), turned_first, atol=1e-4)


class Inverse:
    """The inverse of a view."""

    def __init__(self, view):
        self.view, self.inverse = view.inverse, view.view


def test_a_view_that_does_not_commute_is_resized(network):
    image = Image.linear_gradient("L").resize((32, 32)).convert("RGB")
    upscaler = Upscaler(network, {"puzzle": ["identity", "jigsaw"], "turn": ["identity", "flip"]})
    large, how = upscaler("puzzle", image)
    assert how == "resize" and large.tobytes() == resized(image).tobytes() and large.size == (128, 128)
    assert upscaler("turn", image)[1] == upscaler("plain", image)[1] == "realesrgan"
    assert Upscaler(None, {})("plain", image)[1] == "resize"


def test_it_is_the_same_again(network):
    image = Image.radial_gradient("L").resize((32, 32)).convert("RGB")
    once, again = (Upscaler(network, {})("plain", image)[0] for _ in range(2))
    assert torch.equal(once, again)
