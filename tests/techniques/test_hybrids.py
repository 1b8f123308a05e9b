"""Hybrid images: with two equal prompts it is plain sampling, and each prompt determines its own frequencies."""

import pytest
import torch

from fundiff.pipeline.errors import UserError
from fundiff.pipeline.noise import sample_generators
from fundiff.sampling.estimators import hybrid
from fundiff.techniques.hybrids import draw_hybrid

pytestmark = pytest.mark.bits


def drawn(bench, settings, far, near, kernel=33, sigma=2.0):
    own = sample_generators(settings.seed, 2)
    return draw_hybrid(bench, settings, [far] * 2, [near] * 2, kernel, sigma, own)


def test_the_same_prompt_twice_is_plain_guided_sampling(bench, settings, plain):
    assert torch.allclose(drawn(bench, settings, "a tree", "a tree"), plain, atol=1e-4)


def test_a_kernel_of_one_pixel_leaves_all_to_the_prompt_that_is_far(bench, settings):
    """Such a kernel passes every frequency. Only eps is compared: the learned variance is the mean of both prompts."""
    far, both = (
        bench.conditional(["a tree"]),
        hybrid(bench.conditional(["a tree"]), bench.conditional(["a flame"]), 1),
    )
    x = bench.noise(sample_generators(settings.seed, 1))
    assert torch.allclose(both(x, 600).eps, far(x, 600).eps, atol=1e-6)


def test_far_and_near_are_not_the_same(bench, settings):
    one, other = drawn(bench, settings, "a tree", "a flame"), drawn(bench, settings, "a flame", "a tree")
    assert not torch.allclose(one, other, atol=1e-3)


def test_a_row_is_the_same_alone_or_in_a_batch(bench, settings):
    alone = draw_hybrid(
        bench, settings, ["a tree"], ["a flame"], 33, 2.0, sample_generators(settings.seed, 1)
    )
    assert torch.allclose(alone, drawn(bench, settings, "a tree", "a flame")[:1], atol=1e-4)


@pytest.mark.parametrize("kernel", [4, 65])
def test_a_kernel_that_is_even_or_larger_than_reflection_allows_is_refused(bench, settings, kernel):
    with pytest.raises(UserError, match="expected an odd number below 64"):
        drawn(bench, settings, "a tree", "a flame", kernel)
