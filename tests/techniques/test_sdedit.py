"""SDEdit: where it starts, what it returns at the first and the last level, and that rows do not affect each other."""

from itertools import pairwise

import pytest
import torch

from fundiff.pipeline.noise import randn, sample_generators
from fundiff.sampling.constraints import keep
from fundiff.techniques.sdedit import distance, sdedit

pytestmark = pytest.mark.bits

TREES = ["a tree", "a tree"]


def test_the_last_level_returns_the_picture_under_the_noise_of_timestep_0(
    bench, settings, originals, generators
):
    edited = sdedit(bench, settings, originals, TREES, [3, 3], generators)
    noise = randn(sample_generators(settings.seed, 2), originals.shape[1:])
    assert torch.equal(edited, bench.path.forward(originals, 0, noise))
    assert all(distance(*pair) < 0.01 for pair in zip(edited, originals, strict=True))


def test_it_is_the_courses_loop_from_the_noised_picture(bench, settings, originals, generators):
    edited = sdedit(bench, settings, originals, TREES, [1, 1], generators)
    again = sample_generators(settings.seed, 2)
    timesteps, estimator = bench.timesteps(settings)[1:], bench.guided(settings, TREES)
    x = bench.path.forward(originals, timesteps[0], randn(again, originals.shape[1:]))
    for t, t_next in pairwise(timesteps):
        noise = randn(again, originals.shape[1:])
        x = bench.prior.step("course")(x, t, t_next, estimator(x, t), noise)
    assert torch.allclose(edited, x, atol=1e-5)


def test_rows_of_several_levels_are_what_each_is_alone(bench, settings, originals, generators):
    together = sdedit(bench, settings, originals, ["a tree", "a flame"], [0, 2], generators)
    fresh = sample_generators(settings.seed, 2)
    alone = [
        sdedit(bench, settings, originals[i : i + 1], [prompt], [level], [fresh[i]])
        for i, (prompt, level) in enumerate([("a tree", 0), ("a flame", 2)])
    ]
    assert torch.allclose(together, torch.cat(alone), atol=1e-4)


def test_more_noise_leads_further_away(bench, settings, originals):
    away = []
    for level in (0, 2, 3):
        own = sample_generators(settings.seed, 2)
        edited = sdedit(bench, settings, originals, TREES, [level, level], own)
        away.append(distance(edited, originals))
    assert away == sorted(away, reverse=True)


def test_levels_must_ascend(bench, settings, originals, generators):
    with pytest.raises(ValueError, match="ordered"):
        sdedit(bench, settings, originals, TREES, [2, 1], generators)


def test_a_constraint_holds(bench, settings, originals, generators, known):
    mask = torch.zeros_like(originals[:, :1])
    mask[..., :8] = 1
    kept = keep(originals, mask, bench.path, known, 0)
    edited = sdedit(bench, settings, originals, TREES, [0, 1], generators, kept)
    assert torch.equal(edited * (1 - mask), originals * (1 - mask))
    assert not torch.allclose(edited * mask, originals * mask, atol=0.1)


def test_the_distance_is_0_to_itself_and_1_from_black_to_white(originals):
    assert distance(originals[0], originals[0]) == 0
    assert distance(-torch.ones(3, 4, 4), torch.ones(3, 4, 4)) == pytest.approx(1)
