"""Sampling and classifier-free guidance: their limiting cases."""

import pytest
import torch

from fundiff.sampling.loop import last
from fundiff.techniques.generation import generated, guided_samples, look

pytestmark = pytest.mark.bits


def unguided(bench, settings, prompt):
    estimator = bench.conditional([prompt] * 2)
    return last(generated(bench, settings, estimator, bench.timesteps(settings), 2))


def test_guidance_1_is_the_conditional_model_bit_for_bit(bench, settings):
    guided = guided_samples(bench, settings, "a tree", 2, guidance_scale=1)[-1]
    assert torch.equal(guided, unguided(bench, settings, "a tree"))


def test_guidance_away_from_the_prompt_itself_changes_nothing(bench, settings):
    guided = guided_samples(bench, settings, "a tree", 2, unconditional="a tree")[-1]
    assert torch.allclose(guided, unguided(bench, settings, "a tree"), atol=1e-4)


def test_guidance_on_an_interval_without_a_timestep_is_the_conditional_model(bench, settings, plain):
    everywhere = guided_samples(bench, settings, "a tree", 2, guidance_interval=(0, 0.95))[-1]
    nowhere = guided_samples(bench, settings, "a tree", 2, guidance_interval=(0.65, 0.85))[-1]
    assert torch.equal(everywhere, plain)
    assert torch.equal(nowhere, unguided(bench, settings, "a tree"))


def test_a_film_begins_with_pure_noise_and_has_a_frame_a_timestep(bench, settings, plain, generators):
    frames = guided_samples(bench, settings, "a tree", 2)
    assert len(frames) == len(bench.timesteps(settings)) == 4
    assert torch.equal(frames[0], bench.noise(generators))
    assert torch.equal(frames[-1], plain)


def test_a_sample_is_the_same_alone_or_in_a_batch(bench, settings, plain):
    assert torch.allclose(guided_samples(bench, settings, "a tree", 1)[-1], plain[:1], atol=1e-4)


def test_another_prompt_another_scale_and_another_seed_give_another_picture(bench, settings, plain):
    asked = [("a flame", {}), ("a tree", {"guidance_scale": 9}), ("a tree", {"seed": 7})]
    for prompt, changed in asked:
        assert not torch.allclose(guided_samples(bench, settings, prompt, 2, **changed)[-1], plain, atol=1e-3)


def test_the_look_of_pictures_that_are_known():
    black, white = -torch.ones(3, 8, 8), torch.ones(3, 8, 8)
    assert look(torch.stack([black, black])) == {"spread": 0, "contrast": 0, "clipped": 0}
    assert look(torch.stack([black, white]))["spread"] == pytest.approx(1)
    assert look(torch.stack([2 * white, white]))["clipped"] == pytest.approx(0.5)
    assert look(white[None])["spread"] == 0
