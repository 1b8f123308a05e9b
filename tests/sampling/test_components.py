"""Components sum to the picture, so if all estimates are equal, their combination is the same estimate."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fundiff.sampling.components import bands, colour, motion
from fundiff.sampling.estimators import factorized, hybrid

X = torch.randn(2, 3, 24, 24, generator=torch.Generator().manual_seed(0))


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(0.5, 3), min_size=1, max_size=3, unique=True))
def test_bands_sum_to_the_picture_and_there_is_one_more_than_cuts(sigmas):
    parts = bands(sigmas)
    assert len(parts) == len(sigmas) + 1
    assert torch.allclose(sum(part(X) for part in parts), X, atol=1e-5)


def test_bands_go_from_low_to_high():
    flat, board = torch.ones(1, 3, 24, 24), (torch.arange(24)[:, None] + torch.arange(24)) % 2 * 2.0 - 1
    low, middle, high = bands([3, 1.2])
    assert torch.allclose(low(flat), flat, atol=1e-5)
    for part in (middle, high):
        assert torch.allclose(part(flat), torch.zeros_like(flat), atol=1e-5)
    fine = board.expand(1, 3, 24, 24)
    assert high(fine).std() > 10 * low(fine).std()


@pytest.mark.parametrize("parts", [colour(), motion(5), motion(8)])
def test_two_components_sum_to_the_picture(parts):
    assert torch.allclose(parts[0](X) + parts[1](X), X, atol=1e-6)


def test_grey_has_no_colour_and_colour_no_grey():
    grey, rest = colour()
    assert torch.equal(grey(X)[:, 0], grey(X)[:, 2])
    assert torch.allclose(rest(X).mean(1), torch.zeros(2, 24, 24), atol=1e-6)
    assert torch.allclose(rest(grey(X)), torch.zeros_like(X), atol=1e-6)


def test_motion_smears_along_the_diagonal():
    dot = torch.zeros(1, 1, 24, 24)
    dot[..., 12, 12] = 1
    smeared = motion(5)[0](dot)[0, 0]
    assert smeared.count_nonzero() == 5 and torch.allclose(smeared.sum(), torch.tensor(1.0))
    rows, columns = smeared.nonzero().T
    assert (rows + columns == 24).all()


def test_equal_estimates_stay_what_they_are_and_two_bands_are_the_hybrid():
    def one(x, t):
        return x.sin(), x.tanh()

    def other(x, t):
        return x.cos(), x.tanh()

    eps, v = factorized([(part, one) for part in bands([1, 2])])(X, 5)
    assert torch.allclose(eps, one(X, 5)[0], atol=1e-5) and torch.allclose(v, one(X, 5)[1])
    assert factorized([(part, lambda x, t: (x, None)) for part in colour()])(X, 5)[1] is None
    low, high = bands([2.0])
    mine = factorized([(low, one), (high, other)])(X, 5)[0]
    assert torch.allclose(mine, hybrid(one, other, 13, 2.0)(X, 5)[0], atol=1e-5)
