"""Part A's estimators: what each must equal in its limiting cases."""

import pytest
import torch

from fundiff.sampling.estimate import Estimate
from fundiff.sampling.estimators import alternating, anagram, conditional, guide, guided, hybrid, lowpass
from fundiff.views.registry import VIEWS

pytestmark = pytest.mark.bits

EMB = torch.randn(3, 77, 4, generator=torch.Generator().manual_seed(0))
BOTH = torch.cat([EMB, EMB.flip(0)])  # the embeddings for the rows of two views
NONE = torch.zeros(77, 4)
X = torch.randn(3, 3, 40, 40, generator=torch.Generator().manual_seed(1))


def prior(x_t, t, embeddings):
    """Replaces a UNet: the answer for a row depends only on its position, its pixels, t and its own prompt."""
    ramp = torch.linspace(0, 1, x_t.shape[-2])[:, None]
    tint = embeddings.mean((1, 2))[:, None, None, None]
    return Estimate(x_t * ramp + tint + t / 1000, torch.tanh(x_t + tint))


def counting():
    """The same prior, and a list of the number of rows in each of its calls."""
    sizes = []

    def counted(x_t, t, embeddings):
        sizes.append(len(x_t))
        return prior(x_t, t, embeddings)

    return counted, sizes


def same(a, b):
    return all(torch.allclose(x, y, atol=1e-6) for x, y in zip(a, b, strict=True))


def bits(a, b):
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


def test_guidance_1_is_the_conditional_estimate_bit_for_bit():
    assert bits(guided(prior, EMB, NONE, 1)(X, 500), conditional(prior, EMB)(X, 500))
    low, high = conditional(prior, EMB), conditional(prior, EMB.flip(0))
    assert bits(guide(low, high, 1)(X, 500), low(X, 500))


def test_guidance_0_is_the_unconditional_estimate_bit_for_bit():
    """Only eps is unconditional; v is still that of the conditional branch."""
    unconditional = conditional(prior, NONE.expand_as(EMB))
    assert torch.equal(guided(prior, EMB, NONE, 0)(X, 500).eps, unconditional(X, 500).eps)
    assert torch.equal(
        guide(conditional(prior, EMB), unconditional, 0)(X, 500).eps, unconditional(X, 500).eps
    )


def test_without_a_learned_variance_there_is_none_in_what_is_made_of_it():
    def plain(x_t, t, embeddings):
        return Estimate(prior(x_t, t, embeddings).eps)

    one, two = conditional(plain, EMB), guided(plain, EMB, NONE, 3)
    seen = anagram([(VIEWS["flip"](), 1.0)], one), alternating([(VIEWS["flip"](), one)], [5])
    assert all(e(X, 5).v is None for e in (one, two, hybrid(one, two), guide(one, two, 2), *seen))


def test_guidance_extrapolates_and_keeps_the_conditional_variance():
    (eps, v), (c, v_c), (u, _) = (
        guided(prior, EMB, NONE, 7)(X, 500),
        prior(X, 500, EMB),
        prior(X, 500, NONE.expand_as(EMB)),
    )
    assert torch.allclose(eps, u + 7 * (c - u), atol=1e-5)
    assert torch.equal(v, v_c)


def test_both_guidance_branches_share_one_call():
    counted, sizes = counting()
    guided(counted, EMB, NONE, 7)(X, 500)
    assert sizes == [6]


def test_all_views_and_both_guidance_branches_share_one_call():
    counted, sizes = counting()
    anagram([(VIEWS["identity"](), 1.0), (VIEWS["flip"](), 1.0)], guided(counted, BOTH, NONE, 7))(X, 500)
    assert sizes == [12]


@pytest.mark.parametrize(("t", "acts"), [(199, False), (200, True), (500, True), (800, True), (801, False)])
def test_guidance_acts_between_two_timesteps_and_costs_half_elsewhere(t, acts):
    counted, sizes = counting()
    low, unconditional = conditional(prior, EMB), conditional(prior, NONE.expand_as(EMB))
    one = guided(counted, EMB, NONE, 7, (200, 800))(X, t)
    assert bits(one, guided(prior, EMB, NONE, 7 if acts else 1)(X, t)) and sizes == [6 if acts else 3]
    assert bits(
        guide(low, unconditional, 7, (200, 800))(X, t), guide(low, unconditional, 7 if acts else 1)(X, t)
    )


def test_fewer_rows_take_the_first_prompts():
    assert same(guided(prior, EMB, NONE, 7)(X[:2], 9), [y[:2] for y in guided(prior, EMB, NONE, 7)(X, 9)])


def test_one_unconditional_estimate_guides_a_hybrid_as_it_would_each_of_its_parts():
    words = EMB, EMB.flip(0)
    low, high = (conditional(prior, w) for w in words)
    once = guide(hybrid(low, high), conditional(prior, NONE.expand_as(EMB)), 7)
    each = hybrid(*(guided(prior, w, NONE, 7) for w in words))
    assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(once(X, 5), each(X, 5), strict=True))


@pytest.mark.parametrize("name", VIEWS)
def test_an_anagram_of_one_view_is_the_estimate_seen_in_that_view(name):
    view, estimator = VIEWS[name](), conditional(prior, EMB)
    eps, v = anagram([(view, 2.0)], estimator)(X, 5)
    seen = estimator(view.view(X), 5)
    assert same((eps, v), (view.inverse(seen[0]), view.inverse_variance(seen[1])))


def test_an_anagram_is_the_course_formula():
    one, two = conditional(prior, EMB), conditional(prior, EMB.flip(0))
    eps, _ = anagram([(VIEWS["identity"](), 1.0), (VIEWS["flip"](), 1.0)], conditional(prior, BOTH))(X, 5)
    assert torch.allclose(eps, (one(X, 5)[0] + two(X.flip(-2), 5)[0].flip(-2)) / 2, atol=1e-6)


def test_anagram_weights_are_shares():
    one, two = conditional(prior, EMB), conditional(prior, EMB.flip(0))
    views = [(VIEWS["identity"](), 3.0), (VIEWS["identity"](), 1.0)]
    eps, _ = anagram(views, conditional(prior, BOTH))(X, 5)
    assert torch.allclose(eps, 0.75 * one(X, 5)[0] + 0.25 * two(X, 5)[0], atol=1e-6)


def test_a_sum_is_the_mean_times_the_views_and_alternation_takes_turns():
    one, two = conditional(prior, EMB), conditional(prior, EMB.flip(0))
    views, both = [(VIEWS["identity"](), 1.0), (VIEWS["flip"](), 1.0)], conditional(prior, BOTH)
    assert torch.allclose(anagram(views, both, "sum")(X, 5)[0], 2 * anagram(views, both)(X, 5)[0], atol=1e-5)
    turns = alternating([(VIEWS["identity"](), one), (VIEWS["flip"](), two)], [9, 6, 3])
    assert same(turns(X, 9), one(X, 9)) and same(turns(X, 3), one(X, 3))
    seen = two(X.flip(-2), 6)
    assert same(turns(X, 6), (seen[0].flip(-2), seen[1].flip(-2)))


def test_low_pass_plus_high_pass_is_the_whole():
    estimator = conditional(prior, EMB)
    assert same(hybrid(estimator, estimator)(X, 5), estimator(X, 5))


def test_a_hybrid_has_the_low_frequencies_of_one_and_the_high_of_the_other():
    low, high = conditional(prior, EMB), conditional(prior, EMB.flip(0))
    eps, _ = hybrid(low, high)(X, 5)
    assert torch.allclose(eps, lowpass(low(X, 5)[0]) + high(X, 5)[0] - lowpass(high(X, 5)[0]), atol=1e-6)
    flat = torch.full_like(X, 0.3)
    assert torch.allclose(lowpass(flat), flat, atol=1e-6)


def test_estimators_compose():
    inner = hybrid(conditional(prior, EMB), guided(prior, EMB, NONE, 3))
    assert same(anagram([(VIEWS["identity"](), 1.0)], inner)(X, 5), inner(X, 5))
