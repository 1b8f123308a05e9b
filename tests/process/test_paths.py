"""What a network learns to undo: eps, v, flow; closed forms, diffusers' schedulers, and exact estimators that land."""

import pytest
import torch
from diffusers import DDIMScheduler, DDPMScheduler
from diffusers.schedulers.scheduling_ddim import rescale_zero_terminal_snr
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from fundiff.digits.data import Digits
from fundiff.digits.estimators import classed, timed
from fundiff.digits.networks import process_of, unet_of
from fundiff.digits.objectives import held_out_prediction, prediction
from fundiff.digits.sampling import euler, sample, samplers
from fundiff.digits.unet import UNet
from fundiff.pipeline.errors import UserError
from fundiff.pipeline.noise import generator, sample_generators
from fundiff.pipeline.runtime import Runtime
from fundiff.process.paths import EpsPrediction, Flow, VPrediction
from fundiff.sampling.loop import last

T = 300
EPS, V, FLOW = EpsPrediction.linear(T, 1e-4, 0.02), VPrediction.linear(T, 1e-4, 0.02), Flow(T)
SNR = V.zero_terminal_snr()
PROCESSES = {"eps": EPS, "v": V, "v, zero terminal SNR": SNR, "flow": FLOW}
SLOW = Runtime("cpu", "fp32", 1)


def tensors(seed: int = 0):
    g = torch.Generator().manual_seed(seed)
    return torch.rand(2, 1, 28, 28, generator=g), torch.randn(2, 1, 28, 28, generator=g)


def oracle(process, x0):
    """The estimator that knows the image: what the network is asked for, told exactly."""

    def estimate(x_t, t):
        if isinstance(process, Flow):
            time = process.time(t)
            return (x0 - x_t) / (1 - time), None
        abar = process.alphas_cumprod[t]
        eps = (x_t - abar.sqrt() * x0) / (1 - abar).sqrt()
        return process.target(x0, t, eps), None

    return estimate


def test_flow_is_the_straight_way_of_the_course():
    """x_t = (1 - t) noise + t image, target image - noise, and t is what the network is shown."""
    image, noise = tensors()
    for t in (-1, 74, 149, 299):
        shown = FLOW.time(t)
        assert torch.allclose(FLOW.forward(image, t, noise), (1 - shown) * noise + shown * image)
    assert FLOW.time(299) == 0 and FLOW.time(-1) == 1 and FLOW.time(149) == 0.5
    assert torch.equal(FLOW.forward(image, 299, noise), noise)
    assert torch.equal(FLOW.forward(image, -1, noise), image)
    assert torch.equal(FLOW.target(image, 10, noise), image - noise)


@given(t=st.floats(-1, 298), seed=st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_the_flows_target_is_the_ways_derivative(t, seed):
    image, noise = (x.double() for x in tensors(seed))
    step, at = 1.0, torch.tensor(t, dtype=torch.float64)
    gained = FLOW.forward(image, at, noise) - FLOW.forward(image, at + step, noise)
    passed = FLOW.time(at) - FLOW.time(at + step)
    assert torch.allclose(gained / passed, FLOW.target(image, t, noise), atol=1e-9)


def test_one_euler_step_on_a_straight_way_is_exact():
    image, noise = tensors()
    for t in (299, 100, 3):
        x_t = FLOW.forward(image, t, noise)
        landed = euler(FLOW)(x_t, t, -1, FLOW.target(image, t, noise), None, noise)
        assert torch.allclose(landed, image, atol=1e-5)


def test_v_is_diffusers_and_tells_image_and_noise():
    x0, eps = tensors()
    t = torch.tensor([3, 250])
    v = V.target(x0, t, eps)
    scheduler = DDPMScheduler(T, 1e-4, 0.02, "linear")
    assert torch.allclose(v, scheduler.get_velocity(x0, eps, t), atol=1e-5)
    x_t = V.forward(x0, t, eps)
    assert torch.allclose(V.x0(x_t, t, v), x0, atol=1e-5)
    assert torch.allclose(V.eps_of_v(x_t, t, v), eps, atol=1e-5)


def test_zero_terminal_snr_is_diffusers_and_leaves_nothing():
    betas = torch.linspace(1e-4, 0.02, T, dtype=torch.float64)
    expected = torch.cumprod(1 - rescale_zero_terminal_snr(betas), 0).float()
    assert SNR.alphas_cumprod[-1] == 0
    assert torch.allclose(SNR.alphas_cumprod, expected, atol=1e-5)
    assert torch.allclose(SNR.alphas_cumprod[0], V.alphas_cumprod[0])
    assert isinstance(SNR, VPrediction)
    x0, eps = tensors()
    assert torch.equal(SNR.forward(x0, T - 1, eps), eps)
    assert torch.equal(SNR.target(x0, T - 1, eps), -x0)


def test_ddim_of_v_is_diffusers_from_the_very_first_step():
    scheduler = DDIMScheduler(
        T, 1e-4, 0.02, "linear", clip_sample=False, prediction_type="v_prediction", rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
    )  # fmt: skip
    scheduler.set_timesteps(30)
    step, (v, x) = samplers(SNR)["ddim"]([]), tensors()
    for t in (299, 149, 9):
        expected = scheduler.step(v, t, x).prev_sample
        assert torch.allclose(step(x, t, t - 10, v, None, x), expected, atol=2e-4), t


@pytest.mark.parametrize("name", PROCESSES)
@given(t=st.integers(0, T - 2), seed=st.integers(0, 99))
@settings(max_examples=15, deadline=None)
def test_the_target_tells_the_image(name, t, seed):
    process, (x0, eps) = PROCESSES[name], tensors(seed)
    x_t = process.forward(x0, t, eps)
    assert torch.allclose(process.x0(x_t, t, process.target(x0, t, eps)), x0, atol=1e-4)


@pytest.mark.parametrize("name", PROCESSES)
@pytest.mark.parametrize("steps", [1, 7, 300])
def test_an_exact_estimator_returns_the_image_by_every_sampler(name, steps):
    process, (image, _) = PROCESSES[name], tensors()
    for sampler in samplers(process):
        drawn = last(sample(oracle(process, image), process, sample_generators(0, 2), SLOW, steps, sampler))
        assert torch.allclose(drawn, image, atol=2e-3), sampler


@pytest.mark.parametrize("name", PROCESSES)
def test_the_loss_of_an_exact_network_is_zero(name):
    """The network is shown time and x_t alone; the images are all the same, so it can know."""
    process, (image, _) = PROCESSES[name], tensors()
    image = image[:1]
    digits = Digits(image.expand(40, 1, 28, 28), torch.arange(40) % 10)

    class Exact(nn.Module):
        def forward(self, x, time, c=None):
            if isinstance(process, Flow):
                return (image - x) / (1 - time)[..., None, None].clamp(min=1e-6)
            t = (time.flatten() * T).round().long() - 1
            eps = (x - process.abar(t, x).sqrt() * image) / (1 - process.abar(t, x)).sqrt()
            return process.target(image, t, eps)

    loss = prediction(process, 10, 0.1)(Exact(), digits.images, digits.labels, generator(0))
    assert loss.item() < 1e-5
    assert held_out_prediction(digits, process, 0, 0)(Exact()) < 1e-5


@pytest.mark.parametrize("name", PROCESSES)
def test_times_cover_all_noise_levels_evenly(name):
    process = PROCESSES[name]
    drawn = process.time(process.draw(4000, generator(0)))
    assert 0 <= drawn.min() < 0.01 and 0.99 < drawn.max() <= 1
    assert drawn.mean().item() == pytest.approx(0.5, abs=0.02)
    strata = process.time(process.at((torch.arange(50) + 0.5) * T / 50))
    assert torch.allclose(strata.sort().values.diff(), torch.full((49,), 1 / 50), atol=1e-5)


def test_an_unsuitable_sampler_is_one_line():
    with pytest.raises(UserError, match=r"sampler is ddim; .* sampled by euler"):
        next(sample(oracle(FLOW, tensors()[0]), FLOW, sample_generators(0, 2), SLOW, 3, "ddim"))


def test_a_config_without_an_objective_is_the_courses():
    config = {"timesteps": T, "beta_start": 1e-4, "beta_end": 0.02}
    assert type(process_of(config)) is EpsPrediction
    assert torch.equal(process_of(config).alphas_cumprod, EPS.alphas_cumprod)
    snr = process_of(config | {"objective": "v", "zero_terminal_snr": True})
    assert type(snr) is VPrediction and snr.alphas_cumprod[-1] == 0
    assert process_of(config | {"objective": "flow"}) == Flow(T)


def test_a_flow_without_a_class_multiplies_by_the_time():
    config = {"hidden_size": 4, "time": True}
    flow, plain = unet_of(config | {"objective": "flow"}), unet_of(config)
    h, t = torch.ones(1, 8, 7, 7), torch.ones(1, 1)
    told = flow.t1(t)[..., None, None]
    assert torch.allclose(flow.condition(2 * h, "1", t, None), 2 * h * told)
    plain.load_state_dict(flow.state_dict())
    assert torch.allclose(plain.condition(2 * h, "1", t, None), 2 * h + told)


@pytest.mark.parametrize("process", [EPS, FLOW])
def test_estimators_show_the_network_its_time(process):
    seen = []
    unet = UNet(4, time=True, classes=10).eval()
    decode = unet.decode
    unet.decode = lambda f, t=None, c=None: (seen.append(t), decode(f, t, c))[1]  # type: ignore[method-assign]
    x, labels = tensors()[0], torch.tensor([3, 7])
    guided = classed(unet, labels, process, 2.0)(x, 149)[0]
    timed(unet, process)(x, 149)
    assert [tuple(t.shape) for t in seen] == [(4, 1), (2, 1)] and all((t == 0.5).all() for t in seen)
    plain, other = (
        classed(unet, labels, process, 1.0)(x, 149)[0],
        classed(unet, labels, process, 0.0)(x, 149)[0],
    )
    assert torch.allclose(guided, other + 2 * (plain - other), atol=1e-5)
