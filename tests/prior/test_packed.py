"""Prepared weights change the speed of a network and not its answers."""

import copy

import pytest
import torch
from torch import nn

from fundiff.prior.packed import PackedConv2d, packed, packs

ROWS = [1, 2, 24]


@pytest.fixture
def network():
    torch.manual_seed(0)
    layers = (
        nn.Conv2d(3, 32, 3, padding=1), nn.SiLU(), nn.Conv2d(32, 48, 3, stride=2, padding=1, bias=False),
        nn.Sequential(nn.Conv2d(48, 16, 1), nn.GroupNorm(4, 16)), nn.Flatten(), nn.Linear(16 * 64, 5),
    )  # fmt: skip
    network = nn.Sequential(*layers).eval().requires_grad_(False)
    return network.to(memory_format=torch.channels_last)


def pictures(rows: int) -> torch.Tensor:
    x = torch.randn(rows, 3, 16, 16, generator=torch.Generator().manual_seed(rows))
    return x.contiguous(memory_format=torch.channels_last)


@pytest.mark.bits
@torch.no_grad()
def test_in_bf16_the_answers_are_equal_but_for_one_rounding(network):
    """On cores with AVX512-bf16 they are equal bit by bit; on other processors oneDNN may choose another kernel."""
    prepared = packed(copy.deepcopy(network), torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16):
        for rows in ROWS:
            ours, theirs = prepared(pictures(rows)), network(pictures(rows))
            torch.testing.assert_close(ours, theirs, atol=2**-7, rtol=2**-6)


@pytest.mark.bits
@torch.no_grad()
def test_in_fp32_the_answers_are_equal_but_for_rounding(network):
    prepared = packed(copy.deepcopy(network), torch.float32)
    for rows in ROWS:
        torch.testing.assert_close(prepared(pictures(rows)), network(pictures(rows)), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_weights_are_cast_once_and_norms_stay(network, dtype):
    prepared = packed(network, dtype)
    convolutions = [module for module in prepared.modules() if isinstance(module, PackedConv2d)]
    assert len(convolutions) == (2 if packs(dtype) else 0)
    assert prepared[5].weight.dtype == prepared[3][0].weight.dtype == dtype
    assert prepared[3][1].weight.dtype == torch.float32


def test_a_format_that_cannot_be_packed_is_left_to_torch(network):
    assert not packs(torch.float16)
    assert type(packed(network, torch.float16)[0]) is nn.Conv2d
