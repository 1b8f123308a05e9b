"""The schedule and the steps, proved against diffusers' schedulers and closed forms."""

from itertools import pairwise

import pytest
import torch
from diffusers import DDIMScheduler, DDPMScheduler
from hypothesis import given, settings
from hypothesis import strategies as st

from fundiff.process.schedule import Schedule
from fundiff.sampling.loop import strided
from fundiff.sampling.steps import ancestral, ddim

B1, BT, T = 1e-4, 0.02, 300
COURSE = Schedule.linear(T, B1, BT)


def ddpm(**settings) -> DDPMScheduler:
    return DDPMScheduler(T, B1, BT, "linear", variance_type="fixed_large", clip_sample=False, **settings)


def tensors(seed: int = 0):
    g = torch.Generator().manual_seed(seed)
    return (torch.randn(2, 1, 8, 8, generator=g) for _ in range(3))


def test_linear_schedule_is_diffusers():
    assert torch.allclose(COURSE.alphas_cumprod, ddpm().alphas_cumprod, atol=1e-6)


def test_the_course_schedule_does_not_end_at_pure_noise():
    assert COURSE.alphas_cumprod[-1].item() == pytest.approx(0.048, abs=5e-4)


@given(t=st.integers(0, T - 1), seed=st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_forward_then_one_step_estimate_is_the_identity(t, seed):
    x0, eps, _ = tensors(seed)
    x_t = COURSE.forward(x0, t, eps)
    assert torch.allclose(COURSE.x0(x_t, t, eps), x0, atol=1e-4)
    assert torch.allclose(x_t, ddpm().add_noise(x0, eps, torch.tensor([t, t])), atol=1e-5)


def test_forward_takes_one_t_per_row():
    x0, eps, _ = tensors()
    both = COURSE.forward(x0, torch.tensor([5, 250]), eps)
    assert torch.equal(both[1], COURSE.forward(x0, 250, eps)[1])


def test_t_minus_one_is_the_clean_image():
    x0, eps, _ = tensors()
    assert torch.equal(COURSE.forward(x0, -1, eps), x0)


@pytest.mark.parametrize("steps", [300, 50, 7])
def test_ancestral_step_is_ddpm_fixed_large(steps, monkeypatch):
    scheduler = ddpm()
    timesteps = strided(T, steps)
    scheduler.set_timesteps(timesteps=timesteps[:-1]) if steps < T else scheduler.set_timesteps(T)
    x, eps, noise = tensors()
    monkeypatch.setattr("diffusers.schedulers.scheduling_ddpm.randn_tensor", lambda *a, **k: noise)
    for t, t_prev in list(pairwise(timesteps))[:: max(1, steps // 6)]:
        expected = scheduler.step(eps, t, x).prev_sample
        assert torch.allclose(ancestral(COURSE)(x, t, t_prev, eps, None, noise), expected, atol=2e-5), t


def test_no_noise_at_the_last_step():
    x, eps, noise = tensors()
    step = ancestral(COURSE)
    assert torch.equal(step(x, 0, -1, eps, None, noise), step(x, 0, -1, eps, None, 0 * noise))
    assert torch.allclose(step(x, 0, -1, eps, None, noise), COURSE.x0(x, 0, eps), atol=1e-6)


def test_ddim_step_is_diffusers():
    scheduler = DDIMScheduler(T, B1, BT, "linear", clip_sample=False, set_alpha_to_one=True)
    scheduler.set_timesteps(30)
    x, eps, noise = tensors()
    for t in (290, 150, 10, 0):
        expected = scheduler.step(eps, t, x).prev_sample
        assert torch.allclose(ddim(COURSE)(x, t, t - 10 if t else -1, eps, None, noise), expected, atol=1e-5)


@pytest.mark.parametrize("t", [30, 510, 990])
def test_learned_range_variance_is_diffusers(t):
    scheduler = DDPMScheduler(1000, beta_schedule="squaredcos_cap_v2", variance_type="learned_range")
    scheduler.set_timesteps(timesteps=list(range(990, -1, -30)))
    v = torch.tanh(next(tensors()))
    expected = scheduler._get_variance(t, predicted_variance=v).exp()
    ours = Schedule.of(scheduler).learned_range_variance(v, t, t - 30)
    assert torch.allclose(ours, expected, rtol=1e-3, atol=1e-12)


def test_v_to_eps():
    x0, eps, _ = tensors()
    abar = COURSE.alphas_cumprod[123]
    v = abar.sqrt() * eps - (1 - abar).sqrt() * x0
    assert torch.allclose(COURSE.eps_of_v(COURSE.forward(x0, 123, eps), 123, v), eps, atol=1e-5)


@given(count=st.integers(2, 1000), steps=st.integers(1, 60))
def test_strided_timesteps_fall_from_the_last_to_clean(count, steps):
    timesteps = strided(count, min(steps, count))
    assert timesteps[0] == count - 1 and timesteps[-1] == -1
    assert timesteps == sorted(set(timesteps), reverse=True)
