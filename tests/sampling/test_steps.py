"""Steps compared with diffusers' schedulers and with closed forms; the fast samplers are exact on a point mass."""

from itertools import pairwise

import pytest
import torch
from diffusers import DDIMScheduler, DDPMScheduler
from hypothesis import given
from hypothesis import strategies as st

from fundiff.pipeline.noise import sample_generators
from fundiff.process.paths import Linear, VariancePreserving
from fundiff.process.predictions import EpsPrediction, SamplePrediction, VelocityPrediction
from fundiff.sampling.estimate import Estimate
from fundiff.sampling.loop import denoise, every, last, strided
from fundiff.sampling.steps import SAMPLERS, ancestral, ddim, euler, scheduler

B1, BT, T = 1e-4, 0.02, 300
PATH = VariancePreserving.linear_betas(T, B1, BT)
EPS, FLOW = EpsPrediction(PATH), VelocityPrediction(Linear(T))
ZERO_SNR = VelocityPrediction(PATH.zero_terminal_snr())
COURSE = list(range(990, -1, -30))


def learned(**options) -> DDPMScheduler:
    """A scheduler of IF's kind, set to the course's timesteps."""
    made = DDPMScheduler(
        num_train_timesteps=1000,
        beta_schedule="squaredcos_cap_v2",
        variance_type="learned_range",
        **{"clip_sample": False} | options,
    )
    made.set_timesteps(timesteps=COURSE)
    return made


def of(made: DDPMScheduler) -> EpsPrediction:
    return EpsPrediction(VariancePreserving.of(made))


def both(made: DDPMScheduler, step, t: int):
    """(theirs, ours) for one step from t with the same noise."""
    g = torch.Generator().manual_seed(t)
    x_t, eps = torch.randn(2, 3, 8, 8, generator=g), torch.randn(2, 3, 8, 8, generator=g)
    v = torch.rand(2, 3, 8, 8, generator=g) * 2 - 1
    noise = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(9))
    theirs = made.step(torch.cat([eps, v], 1), t, x_t, generator=torch.Generator().manual_seed(9)).prev_sample
    return theirs, step(x_t, t, t - 30, Estimate(eps, v), noise)


def tensors(seed: int = 0):
    g = torch.Generator().manual_seed(seed)
    return (torch.randn(2, 1, 8, 8, generator=g) for _ in range(3))


@pytest.mark.parametrize("t", COURSE[:-1])
def test_the_course_step_is_the_schedulers_without_clipping_and_thresholding(t):
    made = learned()
    theirs, ours = both(made, ancestral(of(made)), t)
    assert torch.allclose(theirs, ours, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("options", [{"clip_sample": True}, {"thresholding": True, "sample_max_value": 1.5}])
@pytest.mark.parametrize("t", [990, 690, 30])
def test_the_scheduler_step_is_the_schedulers_own(t, options):
    made = learned(**options)
    theirs, ours = both(made, scheduler(of(made), made), t)
    assert torch.allclose(theirs, ours, rtol=1e-4, atol=1e-5)
    if t == 990:
        assert not torch.allclose(theirs, both(made, ancestral(of(made)), t)[1], atol=0.1)


@pytest.mark.parametrize("steps", [300, 299, 50, 37, 13, 7])
def test_without_a_learned_variance_it_is_ddpm_fixed_large(steps, monkeypatch):
    made = DDPMScheduler(T, B1, BT, "linear", variance_type="fixed_large", clip_sample=False)
    timesteps = strided(T, steps)
    made.set_timesteps(timesteps=timesteps[:-1]) if steps < T else made.set_timesteps(T)
    x, eps, noise = tensors()
    monkeypatch.setattr("diffusers.schedulers.scheduling_ddpm.randn_tensor", lambda *a, **k: noise)
    # The last step of a strided list is left out: diffusers adds noise to it wherever t > 0.
    for t, t_prev in list(pairwise(timesteps))[: -1 : max(1, steps // 6)]:
        expected = made.step(eps, t, x).prev_sample
        assert torch.allclose(ancestral(EPS)(x, t, t_prev, Estimate(eps), noise), expected, atol=2e-5), t


def test_no_noise_at_the_last_step():
    x, eps, noise = tensors()
    landed = ancestral(EPS)(x, 0, -1, Estimate(eps), noise)
    assert torch.equal(landed, ancestral(EPS)(x, 0, -1, Estimate(eps), 0 * noise))
    assert torch.allclose(landed, PATH.x0_of(x, 0, eps), atol=1e-6)


def test_ddim_is_diffusers():
    made = DDIMScheduler(T, B1, BT, "linear", clip_sample=False, set_alpha_to_one=True)
    made.set_timesteps(30)
    x, eps, noise = tensors()
    for t in (290, 150, 10, 0):
        expected = made.step(eps, t, x).prev_sample
        ours = ddim(EPS)(x, t, t - 10 if t else -1, Estimate(eps), noise)
        assert torch.allclose(ours, expected, atol=1e-5)


@pytest.mark.parametrize("steps", [300, 299, 37, 13])
def test_ddim_is_diffusers_where_the_stride_does_not_divide_t(steps):
    """diffusers goes to the next timestep of its list only if the stride divides T, so each step is compared separately."""
    made, timesteps = (
        DDIMScheduler(T, B1, BT, "linear", clip_sample=False, set_alpha_to_one=True),
        strided(T, steps),
    )
    x, eps, noise = tensors()
    for t, t_prev in list(pairwise(timesteps))[:: max(1, steps // 7)]:
        made.num_inference_steps = 1
        made.config.num_train_timesteps = t - t_prev
        expected = made.step(eps, t, x).prev_sample
        assert torch.allclose(ddim(EPS)(x, t, t_prev, Estimate(eps), noise), expected, atol=1e-5), t


@pytest.mark.parametrize("steps", [37, 13])
@pytest.mark.parametrize(
    "options", [{}, {"thresholding": True, "dynamic_thresholding_ratio": 0.9, "sample_max_value": 1.5}]
)
def test_a_whole_list_of_uneven_steps_is_the_schedulers(steps, options):
    made = learned(**options)
    timesteps = strided(1000, steps)[:-1]
    made.set_timesteps(timesteps=timesteps)
    step = scheduler(of(made), made) if options else ancestral(of(made))
    x_t, eps, noise = (torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(i)) for i in range(3))
    v = torch.tanh(noise)
    for t, t_prev in pairwise(timesteps):
        g = torch.Generator().manual_seed(2)
        theirs = made.step(torch.cat([eps, v], 1), t, x_t, generator=g).prev_sample
        assert torch.allclose(step(x_t, t, t_prev, Estimate(eps, v), noise), theirs, rtol=1e-3, atol=1e-4), t


def test_ddim_of_v_is_diffusers_from_where_nothing_is_left_of_the_image():
    made = DDIMScheduler(
        T, B1, BT, "linear", clip_sample=False, prediction_type="v_prediction", rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
    )  # fmt: skip
    made.set_timesteps(30)
    v, x, noise = tensors()
    for t in (299, 149, 9):
        expected = made.step(v, t, x).prev_sample
        assert torch.allclose(ddim(ZERO_SNR)(x, t, t - 10, Estimate(v), noise), expected, atol=2e-4), t


@pytest.mark.parametrize("prediction", [VelocityPrediction, SamplePrediction])
def test_all_predictions_take_the_same_steps(prediction):
    x0, eps, noise = tensors()
    process, x_t = prediction(PATH), PATH.forward(x0, 150, eps)
    for step in (ancestral, ddim):
        ours = step(process)(x_t, 150, 99, Estimate(process.target(x0, 150, eps)), noise)
        assert torch.allclose(ours, step(EPS)(x_t, 150, 99, Estimate(eps), noise), atol=1e-5)


@pytest.mark.parametrize("steps", [1, 13, 37, 300])
def test_ddim_on_the_linear_path_is_euler(steps):
    """Over a whole denoising with an estimate that is not constant, also with strides that do not divide T."""
    start = torch.randn(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))

    def curved(x_t, t):
        return Estimate(0.4 * torch.tanh(x_t) - x_t * FLOW.path.alpha(t) + 0.2)

    ends = [
        last(denoise(start, curved, strided(T, steps), step, sample_generators(0, 2)))
        for step in (ddim(FLOW), euler(FLOW.path))
    ]
    assert torch.allclose(*ends, atol=1e-4)


def test_one_euler_step_on_a_straight_line_is_exact():
    image, noise, _ = tensors()
    for t in (299, 100, 3):
        x_t, velocity = FLOW.path.forward(image, t, noise), FLOW.target(image, t, noise)
        assert torch.allclose(euler(FLOW.path)(x_t, t, -1, Estimate(velocity), noise), image, atol=1e-5)


def estimator_of(mean: float, std: float):
    """The exact noise estimate where every pixel is N(mean, std^2)."""

    def estimate(x_t, t):
        abar = PATH.alphas_cumprod[t]
        return Estimate((1 - abar).sqrt() * (x_t - abar.sqrt() * mean) / (abar * std**2 + 1 - abar))

    return estimate


def drawn(name: str, timesteps: list[int], mean: float = 0.3, std: float = 0.5) -> torch.Tensor:
    start = torch.randn(4, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    step = SAMPLERS[name](EPS, timesteps)
    return last(denoise(start, estimator_of(mean, std), timesteps, step, sample_generators(0, 4)))


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("calls", [10, 13, 37])
def test_a_point_mass_is_found_by_every_sampler(name, calls):
    assert torch.allclose(
        drawn(name, strided(T, calls), mean=0.7, std=0), torch.full((4, 1, 8, 8), 0.7), atol=1e-3
    )


def test_dpm_solver_is_of_second_order_where_ddim_is_of_first():
    """Four times as many steps divide DDIM's error by about 4 and DPM-Solver++'s by about 16."""

    def to_zero(steps: int) -> list[int]:
        return [*torch.linspace(T - 1, 0, steps).round().long().tolist(), -1]

    def gain(name: str) -> float:
        truth = drawn(name, to_zero(T))
        return float((drawn(name, to_zero(12)) - truth).norm() / (drawn(name, to_zero(48)) - truth).norm())

    assert gain("dpm_solver") > 2 * gain("ddim") > 4


@pytest.mark.parametrize("name", ["ddim", "dpm_solver"])
@pytest.mark.parametrize("calls", [2, 5, 10])
def test_few_calls_end_nearer_to_the_solution_than_with_one_spent_at_t_0(name, calls):
    """The solution of the flow is known where every pixel is N(m, s^2): a pixel keeps its quantile."""
    mean, std, last_t = 0.3, 0.5, T - 1
    start = torch.randn(4, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    alpha, sigma = PATH.alpha(last_t), PATH.sigma(last_t)
    truth = mean + std * (start - alpha * mean) / (alpha**2 * std**2 + sigma**2).sqrt()
    spent = [*torch.linspace(last_t, 0, calls).round().long().tolist(), -1]
    ours, theirs = ((drawn(name, ts) - truth).norm() for ts in (strided(T, calls), spent))
    assert ours < 0.95 * theirs


def test_the_first_dpm_step_is_ddims():
    x, eps, noise = tensors()
    step = SAMPLERS["dpm_solver"](EPS, [200, 0, -1])
    ours = step(x, 200, 0, Estimate(eps), noise)
    assert torch.allclose(ours, ddim(EPS)(x, 200, 0, Estimate(eps), noise), atol=1e-4)


def test_even_timesteps_begin_and_end_where_told():
    assert strided(991, 4) == [990, 742, 495, 247, -1]
    assert strided(991, 1) == [990, -1] and strided(300, 2) == [299, 149, -1]
    assert strided(300, 300) == [*range(299, -1, -1), -1]
    assert every(30, 1000) == COURSE and every(30, 300)[0] == 270 and every(37, 1000)[:2] == [999, 962]
    assert every(1, 4) == [3, 2, 1, 0]


@given(count=st.integers(2, 1000), steps=st.integers(1, 60))
def test_strided_timesteps_fall_from_the_last_to_clean(count, steps):
    steps = min(steps, count)
    timesteps = strided(count, steps)
    assert timesteps[0] == count - 1 and timesteps[-1] == -1 and len(timesteps) == steps + 1
    lengths = [t - t_prev for t, t_prev in pairwise(timesteps)]
    assert min(lengths) >= 1 and max(lengths) - min(lengths) <= 1


@pytest.mark.parametrize("count", [300, 1000])
@pytest.mark.parametrize("steps", [1, 2, 5, 10, 13, 37, 50, 299, 300])
def test_strided_timesteps_are_diffusers_trailing_ones(count, steps):
    made = DDIMScheduler(count, timestep_spacing="trailing")
    made.set_timesteps(steps)
    assert strided(count, steps) == [*made.timesteps.tolist(), -1]


@pytest.mark.parametrize("steps", [1, 2, 5, 10, 50])
def test_every_call_is_a_step_of_the_same_length(steps):
    """dx/dalpha = x from alpha 0 to 1: n Euler steps give (1 + 1/n)^n x, and fewer steps give less."""
    x = torch.randn(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    grown = denoise(x, lambda x, t: Estimate(x), strided(T, steps), euler(FLOW.path), sample_generators(0, 2))
    assert torch.allclose(last(grown), (1 + 1 / steps) ** steps * x, rtol=1e-4)
