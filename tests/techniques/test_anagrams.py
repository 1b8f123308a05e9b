"""Visual anagrams: if all readings are the same it is plain sampling; what the reductions have in common."""

import pytest
import torch

from fundiff.pipeline.noise import sample_generators
from fundiff.techniques.anagrams import draw_anagram
from fundiff.views.registry import VIEWS

pytestmark = pytest.mark.bits

IDENTITY, FLIP = VIEWS["identity"](), VIEWS["flip"]()


def drawn(bench, settings, readings, reduction="mean"):
    return draw_anagram(bench, settings, readings, sample_generators(settings.seed, 2), reduction)


@pytest.mark.parametrize(
    ("weights", "reduction"),
    [((1, 1), "mean"), ((3, 0.5), "mean"), ((0.25, 0.75), "sum"), ((1, 1), "alternate")],
)
def test_two_identical_readings_as_it_is_are_plain_guided_sampling(
    bench, settings, plain, weights, reduction
):
    readings = [(IDENTITY, "a tree", weight) for weight in weights]
    assert torch.allclose(drawn(bench, settings, readings, reduction), plain, atol=1e-4)


def test_one_reading_as_it_is_is_plain_guided_sampling_bit_for_bit(bench, settings, plain):
    assert torch.equal(drawn(bench, settings, [(IDENTITY, "a tree", 1.0)]), plain)


def test_a_second_reading_changes_the_picture(bench, settings, plain):
    both = drawn(bench, settings, [(IDENTITY, "a tree", 1.0), (FLIP, "a flame", 1.0)])
    assert not torch.allclose(both, plain, atol=1e-2)


def test_the_order_of_the_readings_does_not_matter(bench, settings):
    readings = [(IDENTITY, "a tree", 1.0), (FLIP, "a flame", 2.0)]
    assert torch.allclose(drawn(bench, settings, readings), drawn(bench, settings, readings[::-1]), atol=1e-4)


def test_a_sum_of_weights_that_sum_to_1_is_the_mean(bench, settings):
    readings = [(IDENTITY, "a tree", 0.4), (FLIP, "a flame", 0.6)]
    assert torch.allclose(
        drawn(bench, settings, readings, "sum"), drawn(bench, settings, readings), atol=1e-4
    )
