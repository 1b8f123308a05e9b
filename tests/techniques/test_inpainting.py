"""Inpainting: the known region is exact, and without a known region it is plain sampling."""

import pytest
import torch

from fundiff.pipeline.noise import sample_generators
from fundiff.sampling.constraints import back_and_forth
from fundiff.techniques.inpainting import inpaint, known_error

pytestmark = pytest.mark.bits


@pytest.fixture
def masks(originals):
    holes = torch.zeros_like(originals[:, :1])
    holes[..., 4:20, 8:24] = 1
    return holes


def filled(bench, settings, originals, masks, prompt="a tree", times=1):
    path = back_and_forth(bench.timesteps(settings), 2, times)
    own, known = (sample_generators(settings.seed, len(originals), what) for what in ("sample", "known"))
    return list(inpaint(bench, settings, originals, masks, [prompt] * len(originals), path, own, known))


@pytest.mark.parametrize("times", [1, 3])
def test_the_known_region_is_exact_and_the_hole_is_not(bench, settings, originals, masks, times):
    done = filled(bench, settings, originals, masks, times=times)[-1]
    assert [known_error(*row) for row in zip(done, originals, masks, strict=True)] == [0, 0]
    assert not torch.allclose(done * masks, originals * masks, atol=0.1)


def test_where_nothing_is_known_it_is_plain_sampling_bit_for_bit(bench, settings, originals, plain):
    assert torch.equal(filled(bench, settings, originals, torch.ones_like(originals[:, :1]))[-1], plain)


def test_where_all_is_known_it_is_the_original(bench, settings, originals):
    assert torch.equal(filled(bench, settings, originals, torch.zeros_like(originals[:, :1]))[-1], originals)


def test_the_hole_shows_its_own_prompt(bench, settings, originals, masks):
    tree, flame = (filled(bench, settings, originals, masks, prompt)[-1] for prompt in ("a tree", "a flame"))
    assert ((tree - flame) * masks).abs().max() > 0.01


def test_it_begins_with_pure_noise_and_has_a_frame_a_timestep(bench, settings, originals, masks, generators):
    frames = filled(bench, settings, originals, masks, times=2)
    assert torch.equal(frames[0], bench.noise(generators))
    assert len(frames) == len(back_and_forth(bench.timesteps(settings), 2, 2))


def test_a_picture_is_filled_alike_alone_or_in_a_batch(bench, settings, originals, masks):
    alone = filled(bench, settings, originals[:1], masks[:1])[-1]
    assert torch.allclose(alone, filled(bench, settings, originals, masks)[-1][:1], atol=1e-4)


def test_one_pass_is_the_courses_plain_list(bench, settings):
    assert back_and_forth(bench.timesteps(settings), 2, 1) == [900, 600, 300, 0]
    assert back_and_forth(bench.timesteps(settings), 2, 2) == [900, 600, 300, 900, 600, 300, 0, 300, 0]


def test_an_error_inside_the_hole_does_not_count(originals, masks):
    wrong = originals + 0.5 * masks
    assert known_error(wrong[0], originals[0], masks[0]) == 0
    assert known_error(originals[0] + 0.5, originals[0], masks[0]) == pytest.approx(0.5)
