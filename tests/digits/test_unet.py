"""The course's UNet to the letter: sizes, parameter counts by hand, and where the conditioning enters."""

import pytest
import torch

from fundiff.digits.unet import UNet


def conv(c_in: int, c_out: int, k: int) -> int:
    return c_in * c_out * k * k + c_out + 2 * c_out  # weights, bias, batch norm's scale and shift


def block(c_in: int, c_out: int) -> int:
    return conv(c_in, c_out, 3) + conv(c_out, c_out, 3)


def fc(f_in: int, f_out: int) -> int:
    return f_in * f_out + f_out + f_out * f_out + f_out


def by_hand(d: int, time: bool, classes: int) -> int:
    body = block(1, d)
    body += conv(d, d, 3) + block(d, d)
    body += conv(d, 2 * d, 3) + block(2 * d, 2 * d)
    body += conv(2 * d, 2 * d, 7)
    body += conv(4 * d, d, 4) + block(d, d)
    body += conv(2 * d, d, 4) + block(d, d)
    body += block(2 * d, d) + d * 9 + 1
    return body + time * (fc(1, 2 * d) + fc(1, d)) + bool(classes) * (fc(classes, 2 * d) + fc(classes, d))


@pytest.mark.parametrize(
    ("d", "time", "classes"), [(128, False, 0), (64, True, 0), (64, True, 10), (8, True, 10)]
)
def test_parameter_counts_are_those_counted_by_hand(d, time, classes):
    assert sum(p.numel() for p in UNet(d, time, classes).parameters()) == by_hand(d, time, classes)


def test_features_halve_down_to_one_pixel():
    features = UNet(4).encode(torch.rand(2, 1, 28, 28))
    assert [tuple(f.shape[1:]) for f in features] == [(4, 28, 28), (4, 14, 14), (8, 7, 7), (8, 1, 1)]


def test_class_multiplies_and_time_adds():
    unet = UNet(4, time=True, classes=10).eval()
    h, t, c = torch.rand(2, 8, 7, 7), torch.rand(2, 1), torch.eye(10)[:2]
    expected = unet.c1(c)[..., None, None] * h + unet.t1(t)[..., None, None]
    assert torch.equal(unet.condition(h, "1", t, c), expected)


def test_conditioning_reaches_the_output_and_the_unconditional_net_has_none():
    torch.manual_seed(0)
    unet = UNet(4, time=True, classes=10).eval()
    x, t = torch.rand(2, 1, 28, 28), torch.full((2, 1), 0.5)
    none, three, seven = (
        unet(x, t, c) for c in (torch.zeros(2, 10), torch.eye(10)[[3, 3]], torch.eye(10)[[7, 7]])
    )
    assert not torch.equal(none, three) and not torch.equal(none, seven) and not torch.equal(three, seven)
    assert not torch.equal(unet(x, t), unet(x, t / 2))
    assert not any("t1" in name or "c1" in name for name, _ in UNet(4).named_parameters())
