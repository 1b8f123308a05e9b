"""Colourisation: the grey is the original's, the colours are the prompt's."""

import pytest
import torch

from fundiff.pipeline.noise import sample_generators
from fundiff.sampling.components import colour
from fundiff.techniques.colourisation import chroma, colourfulness, colourise, grey, grey_error, in_range
from fundiff.techniques.factorized import draw_factorized

pytestmark = pytest.mark.bits


def coloured(bench, settings, original, prompt, count=2):
    own, known = (sample_generators(settings.seed, count, what) for what in ("sample", "known"))
    return colourise(bench, settings, original, prompt, own, known)


def test_the_grey_is_exactly_the_originals(bench, settings, originals):
    samples = coloured(bench, settings, originals[0], "a tree")
    assert torch.allclose(grey(samples), grey(originals[:1]), atol=1e-5)
    assert grey_error(samples, originals[0]) < 1e-5
    assert samples.abs().max() <= 1 + 1e-5


def test_the_colours_differ_with_the_prompt_and_with_the_noise(bench, settings, originals):
    trees, flames = (coloured(bench, settings, originals[0], prompt) for prompt in ("a tree", "a flame"))
    assert (chroma(trees) - chroma(flames)).abs().max() > 0.01
    assert (chroma(trees[:1]) - chroma(trees[1:])).abs().max() > 0.01


def test_the_originals_colours_are_not_used(bench, settings, originals):
    of_colour = coloured(bench, settings, originals[0], "a tree")
    of_grey = coloured(bench, settings, grey(originals[:1])[0], "a tree")
    assert torch.allclose(of_colour, of_grey, atol=1e-5)


def test_a_sample_is_the_same_alone_or_in_a_batch(bench, settings, originals):
    two, one = (coloured(bench, settings, originals[0], "a tree", count) for count in (2, 1))
    assert torch.allclose(two[:1], one, atol=1e-4)


def test_it_is_the_factorized_picture_whose_grey_is_kept(bench, settings, originals, generators, known):
    parts = [(colour()[0], originals[0]), (colour()[1], "a tree")]
    drawn = draw_factorized(bench, settings, parts, generators, known)
    samples = coloured(bench, settings, originals[0], "a tree")
    assert torch.allclose(samples, in_range(grey(originals[:1]).expand_as(drawn), chroma(drawn)), atol=1e-4)


def test_colours_that_leave_the_range_are_scaled_and_others_stay():
    given = torch.tensor([0.5, 0.5, 1.0, -1.0]).view(1, 1, 1, 4).expand(1, 3, 1, 4)
    drawn = torch.tensor([[0.2, 0.0, -0.2], [1.0, 0.0, -1.0], [0.5, 0.0, -0.5], [0.5, 0.0, -0.5]]).T.reshape(
        1, 3, 1, 4
    )
    expected = torch.tensor([[0.7, 0.5, 0.3], [1.0, 0.5, 0.0], [1.0, 1.0, 1.0], [-1.0, -1.0, -1.0]])
    assert torch.allclose(in_range(given, drawn), expected.T.reshape(1, 3, 1, 4))


def test_colourfulness_of_a_grey_picture_is_0_and_of_pure_red_1():
    red = torch.tensor([1.0, -1.0, -1.0]).view(3, 1, 1).expand(3, 4, 4)
    assert colourfulness(red) == pytest.approx(1)
    assert colourfulness(grey(red[None])) == 0
