"""Paths and what is predicted along them: closed forms and diffusers' schedulers."""

import pytest
import torch
from diffusers import DDPMScheduler
from diffusers.schedulers.scheduling_ddim import rescale_zero_terminal_snr
from hypothesis import given, settings
from hypothesis import strategies as st

from fundiff.process.paths import Linear, VariancePreserving
from fundiff.process.predictions import EpsPrediction, SamplePrediction, VelocityPrediction

B1, BT, T = 1e-4, 0.02, 300
COURSE, LINEAR = VariancePreserving.linear_betas(T, B1, BT), Linear(T)
ZERO_SNR = COURSE.zero_terminal_snr()
PATHS = {"variance preserving": COURSE, "zero terminal SNR": ZERO_SNR, "linear": LINEAR}
PREDICTIONS = [EpsPrediction, VelocityPrediction, SamplePrediction]


def ddpm() -> DDPMScheduler:
    return DDPMScheduler(T, B1, BT, "linear", variance_type="fixed_large", clip_sample=False)


def tensors(seed: int = 0):
    g = torch.Generator().manual_seed(seed)
    return torch.rand(2, 1, 8, 8, generator=g), torch.randn(2, 1, 8, 8, generator=g)


def test_linear_betas_are_diffusers():
    assert torch.allclose(COURSE.alphas_cumprod, ddpm().alphas_cumprod, atol=1e-6)


def test_the_course_path_does_not_end_at_pure_noise():
    assert COURSE.alphas_cumprod[-1].item() == pytest.approx(0.048, abs=5e-4)


def test_ifs_path_goes_from_almost_clean_to_almost_noise():
    path = VariancePreserving.of(DDPMScheduler(1000, beta_schedule="squaredcos_cap_v2"))
    x0, eps = tensors()
    assert torch.allclose(path.forward(x0, 0, eps), x0, atol=0.03)
    assert torch.allclose(path.forward(x0, 999, eps), eps, atol=0.01)


def test_zero_terminal_snr_is_diffusers_and_leaves_nothing():
    betas = torch.linspace(B1, BT, T, dtype=torch.float64)
    expected = torch.cumprod(1 - rescale_zero_terminal_snr(betas), 0).float()
    assert ZERO_SNR.alphas_cumprod[-1] == 0
    assert torch.allclose(ZERO_SNR.alphas_cumprod, expected, atol=1e-5)
    assert torch.allclose(ZERO_SNR.alphas_cumprod[0], COURSE.alphas_cumprod[0])
    x0, eps = tensors()
    assert torch.equal(ZERO_SNR.forward(x0, T - 1, eps), eps)
    assert torch.equal(ZERO_SNR.velocity_of(x0, T - 1, eps), -x0)


@given(t=st.integers(0, T - 1), seed=st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_forward_is_diffusers(t, seed):
    x0, eps = tensors(seed)
    assert torch.allclose(
        COURSE.forward(x0, t, eps), ddpm().add_noise(x0, eps, torch.tensor([t, t])), atol=1e-5
    )


def test_the_linear_path_is_the_courses_straight_line():
    """x_t = (1 - t) noise + t image, the velocity is image - noise, and the network gets t as its time."""
    image, noise = tensors()
    for t in (-1, 74, 149, 299):
        shown = LINEAR.time(t)
        assert torch.allclose(LINEAR.forward(image, t, noise), (1 - shown) * noise + shown * image)
    assert LINEAR.time(299) == 0 and LINEAR.time(-1) == 1 and LINEAR.time(149) == 0.5
    assert torch.equal(LINEAR.forward(image, 299, noise), noise)
    assert torch.equal(LINEAR.velocity_of(image, 10, noise), image - noise)


@given(t=st.floats(-1, 298), seed=st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_the_velocity_of_the_linear_path_is_its_derivative(t, seed):
    image, noise = (x.double() for x in tensors(seed))
    step, at = 1.0, torch.tensor(t, dtype=torch.float64)
    gained = LINEAR.forward(image, at, noise) - LINEAR.forward(image, at + step, noise)
    passed = LINEAR.alpha(at) - LINEAR.alpha(at + step)
    assert torch.allclose(gained / passed, LINEAR.velocity_of(image, t, noise), atol=1e-9)


def test_the_velocity_of_a_variance_preserving_path_is_diffusers_v():
    x0, eps = tensors()
    t = torch.tensor([3, 250])
    assert torch.allclose(COURSE.velocity_of(x0, t, eps), ddpm().get_velocity(x0, eps, t), atol=1e-5)


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_every_path_ends_at_the_clean_image_and_takes_one_t_per_row(path):
    x0, eps = tensors()
    assert torch.equal(path.forward(x0, -1, eps), x0)
    both = path.forward(x0, torch.tensor([5, 250]), eps)
    assert torch.equal(both[1], path.forward(x0, 250, eps)[1])


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
@given(t=st.integers(0, T - 2), seed=st.integers(0, 99))
@settings(max_examples=15, deadline=None)
def test_noise_image_and_velocity_tell_one_another(path, t, seed):
    x0, eps = tensors(seed)
    x_t = path.forward(x0, t, eps)
    assert torch.allclose(path.x0_of(x_t, t, eps), x0, atol=1e-3)
    assert torch.allclose(path.eps_of(x_t, t, x0), eps, atol=1e-3)
    image, noise = path.of_velocity(x_t, t, path.velocity_of(x0, t, eps))
    assert torch.allclose(image, x0, atol=1e-5) and torch.allclose(noise, eps, atol=1e-5)


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
@pytest.mark.parametrize("kind", PREDICTIONS)
@given(t=st.integers(0, T - 2), seed=st.integers(0, 99))
@settings(max_examples=15, deadline=None)
def test_the_target_implies_image_and_noise(path, kind, t, seed):
    process, (x0, eps) = kind(path), tensors(seed)
    x_t, target = path.forward(x0, t, eps), process.target(x0, t, eps)
    assert torch.allclose(process.x0(x_t, t, target), x0, atol=1e-3)
    assert torch.allclose(process.eps(x_t, t, target), eps, atol=1e-3)


def test_snr_is_diffusers_and_falls():
    abar, t = ddpm().alphas_cumprod, torch.arange(T)
    assert torch.allclose(COURSE.snr(t), abar / (1 - abar), rtol=1e-2)
    assert LINEAR.snr(149) == 1 and LINEAR.snr(299) == 0
    assert all((path.snr(t).diff() < 0).all() for path in PATHS.values())


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_times_cover_all_noise_levels_evenly(path):
    drawn = path.time(path.draw(4000, torch.Generator().manual_seed(0)))
    assert 0 <= drawn.min() < 0.01 and 0.99 < drawn.max() <= 1
    assert drawn.mean().item() == pytest.approx(0.5, abs=0.02)
    strata = path.time(path.at((torch.arange(50) + 0.5) * T / 50))
    assert torch.allclose(strata.sort().values.diff(), torch.full((49,), 1 / 50), atol=1e-5)


@pytest.mark.parametrize("t", [30, 510, 990])
def test_learned_range_variance_is_diffusers_and_its_ends_are_the_bounds(t):
    scheduler = DDPMScheduler(1000, beta_schedule="squaredcos_cap_v2", variance_type="learned_range")
    scheduler.set_timesteps(timesteps=list(range(990, -1, -30)))
    path, v = VariancePreserving.of(scheduler), torch.tanh(tensors()[1])
    expected = scheduler._get_variance(t, predicted_variance=v).exp()
    assert torch.allclose(path.learned_range_variance(v, t, t - 30), expected, rtol=1e-3, atol=1e-12)
    ends = path.learned_range_variance(torch.tensor([-1.0, 1.0]), t, t - 30)
    bounds = torch.stack([path.posterior_variance(t, t - 30), path.beta(t, t - 30)])
    assert torch.allclose(ends, bounds, rtol=1e-4)


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_renoising_leads_where_the_forward_process_does(path):
    """Two steps of noise give the same mean and variance as one step over both."""
    x0, _ = tensors()
    zero, one = torch.zeros_like(x0), torch.ones_like(x0)
    mean = path.renoise(path.forward(x0, 50, zero), 50, 200, zero)
    assert torch.allclose(mean, path.forward(x0, 200, zero), atol=1e-6)
    first, second = path.renoise(path.sigma(50) * one, 50, 200, zero), path.renoise(zero, 50, 200, one)
    assert torch.allclose((first**2 + second**2).sqrt(), path.sigma(200) * one, atol=1e-6)
