"""Restoration: a network that knows the noise gives the picture back, in one step and step by step."""

import math

import pytest
import torch

from fundiff.pipeline.errors import UserError
from fundiff.sampling.estimate import Estimate
from fundiff.techniques.bench import Bench
from fundiff.techniques.restoration import iterative, noisy, one_step, psnr_ssim

pytestmark = pytest.mark.bits

T = 600


class Knowing:
    """A prior that knows the picture, so that its estimate is the very noise in x_t."""

    device = "cpu"

    def __init__(self, prior, image):
        self.path, self.process, self.step, self.image = prior.path, prior.process, prior.step, image

    def __call__(self, x_t, t, embeddings):
        abar = self.path.alphas_cumprod[t]
        eps = (x_t - abar.sqrt() * self.image) / (1 - abar).sqrt()
        return Estimate(eps, -torch.ones_like(eps))  # the smallest variance


@pytest.fixture
def knowing(bench, originals):
    return Bench(Knowing(bench.prior, originals[0]), bench.embeddings)


def test_the_same_seed_and_timestep_have_the_same_noise_in_every_stage(bench, originals):
    once, again, other = (noisy(bench.path, seed, originals[0], T) for seed in (1, 1, 2))
    assert torch.equal(once, again) and not torch.equal(once, other)


def test_a_noisy_picture_is_the_forward_process(bench, originals):
    abar = bench.path.alphas_cumprod[T]
    eps = (noisy(bench.path, 1, originals[0], T) - abar.sqrt() * originals[0]) / (1 - abar).sqrt()
    assert abs(eps.mean()) < 0.05 and abs(eps.std() - 1) < 0.05


def test_a_timestep_that_the_model_does_not_know_is_refused(bench, originals):
    with pytest.raises(UserError, match="timestep 1000 is out of range; the model knows 0 to 999"):
        noisy(bench.path, 1, originals[0], 1000)


def test_one_step_is_the_courses_formula(bench, originals):
    x_t, abar = noisy(bench.path, 1, originals[0], T), bench.path.alphas_cumprod[T]
    eps = bench.prior(x_t, T, bench.states(["a tree"])).eps
    expected = (x_t - (1 - abar).sqrt() * eps) / abar.sqrt()
    assert torch.allclose(one_step(bench, x_t, T, "a tree"), expected, rtol=1e-4, atol=1e-4)


def test_who_knows_the_noise_restores_the_picture_in_one_step(knowing, originals):
    x_t = noisy(knowing.path, 1, originals[0], T)
    assert torch.allclose(one_step(knowing, x_t, T, "a tree")[0], originals[0], atol=1e-4)


def test_who_knows_the_noise_restores_the_picture_step_by_step(knowing, settings, originals):
    timesteps = knowing.timesteps(settings)[1:]
    x_t = noisy(knowing.path, 1, originals[0], timesteps[0])
    frames = iterative(knowing, settings, x_t, timesteps, "a tree")
    assert torch.equal(frames[0], x_t) and len(frames) == len(timesteps)
    scores = [psnr_ssim(frame, originals[0])["psnr"] for frame in frames]
    assert scores == sorted(scores) and scores[-1] > 35


def test_a_picture_against_itself_has_perfect_scores(originals):
    assert psnr_ssim(originals[:1], originals[0]) == {"psnr": math.inf, "ssim": pytest.approx(1)}
