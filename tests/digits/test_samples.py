"""Sampling of digits with every objective: exact estimators reach the image, exact networks have zero loss."""

import pytest
import torch
from torch import nn

from fundiff.digits.data import Digits
from fundiff.digits.estimators import check_guidance, classed, timed
from fundiff.digits.fit import ClassParams
from fundiff.digits.networks import process_of, unet_of
from fundiff.digits.objectives import held_out_prediction, prediction
from fundiff.digits.samples import sample, samplers
from fundiff.digits.unet import UNet
from fundiff.pipeline.errors import UserError
from fundiff.pipeline.noise import generator, sample_generators
from fundiff.pipeline.params import inherited, read_params, validate
from fundiff.pipeline.runtime import Runtime
from fundiff.process.paths import Linear, VariancePreserving
from fundiff.process.predictions import EpsPrediction, VelocityPrediction
from fundiff.sampling.estimate import Estimate
from fundiff.sampling.loop import last

T = 300
PATH = VariancePreserving.linear_betas(T, 1e-4, 0.02)
EPS, V, FLOW = EpsPrediction(PATH), VelocityPrediction(PATH), VelocityPrediction(Linear(T))
PROCESSES = {
    "eps": EPS,
    "v": V,
    "v, zero terminal SNR": VelocityPrediction(PATH.zero_terminal_snr()),
    "flow": FLOW,
}
SLOW = Runtime("cpu", "fp32", 1)


def tensors(seed: int = 0):
    g = torch.Generator().manual_seed(seed)
    return torch.rand(2, 1, 28, 28, generator=g), torch.randn(2, 1, 28, 28, generator=g)


def oracle(process, x0):
    """An estimator that knows the image and returns the exact target of the network."""
    return lambda x_t, t: Estimate(process.target(x0, t, process.path.eps_of(x_t, t, x0)))


@pytest.mark.parametrize("name", PROCESSES)
@pytest.mark.parametrize("steps", [1, 7, 13, 299, 300])
def test_an_exact_estimator_returns_the_image_by_every_sampler(name, steps):
    process, (image, _) = PROCESSES[name], tensors()
    for sampler in samplers(process):
        drawn = last(sample(oracle(process, image), process, sample_generators(0, 2), SLOW, steps, sampler))
        assert torch.allclose(drawn, image, atol=2e-3), sampler


@pytest.mark.parametrize("name", PROCESSES)
def test_the_loss_of_an_exact_network_is_zero(name):
    """The network gets only time and x_t. All images are the same, so it can compute the exact target."""
    process, (image, _) = PROCESSES[name], tensors()
    image = image[:1]
    digits = Digits(image.expand(40, 1, 28, 28), torch.arange(40) % 10)

    class Exact(nn.Module):
        def forward(self, x, time, c=None):
            t = T * (1 - time.flatten()) - 1 if process is FLOW else (T * time.flatten()).round().long() - 1
            return process.target(image, t, process.path.eps_of(x, t, image))

    loss = prediction(process, 10, 0.1)(Exact(), digits.images, digits.labels, generator(0))
    assert loss.item() < 1e-5
    assert held_out_prediction(digits, process, 0, 0)(Exact()) < 1e-5


def test_the_caller_of_a_sampler_computes_in_its_own_precision():
    process, seen = process_of({"timesteps": 10, "beta_start": 1e-4, "beta_end": 0.02}), []

    def estimator(x_t, t):
        seen.append(torch.is_autocast_enabled("cpu"))
        return Estimate(torch.zeros_like(x_t))

    for _ in sample(estimator, process, [generator(0)], Runtime("cpu", "bf16", 1), 2):
        seen.append(torch.is_autocast_enabled("cpu"))
    assert seen == [True, False, True, False]


def test_an_unsuitable_sampler_is_one_line():
    with pytest.raises(UserError, match=r"sampler is ddim; .* sampled by euler"):
        next(sample(oracle(FLOW, tensors()[0]), FLOW, sample_generators(0, 2), SLOW, 3, "ddim"))


def test_a_config_without_an_objective_is_the_courses():
    config = {"timesteps": T, "beta_start": 1e-4, "beta_end": 0.02}
    assert type(process_of(config)) is EpsPrediction
    assert torch.equal(process_of(config).path.alphas_cumprod, PATH.alphas_cumprod)
    snr = process_of(config | {"objective": "v", "zero_terminal_snr": True})
    assert type(snr) is VelocityPrediction and snr.path.alphas_cumprod[-1] == 0
    assert process_of(config | {"objective": "flow"}) == FLOW


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


def test_guidance_of_a_network_that_never_dropped_its_classes_is_one_line():
    """Without dropped classes the network never learned the unconditional estimate that guidance needs."""
    shipped = read_params("params.yaml")
    values = inherited(ClassParams, shipped) | shipped["train_class_unet"]
    dropped, never = (
        unet_of(
            validate(
                ClassParams, "train_class_unet", values | {"hidden_size": 4, "class_drop": drop}
            ).config()
        )
        for drop in (0.1, 0)
    )
    labels = torch.tensor([3, 7])
    for scale in (0.0, 5.0):
        classed(dropped, labels, EPS, scale)
        with pytest.raises(UserError, match=rf"guidance_scale is {scale:g}, but .* class_drop 0") as error:
            classed(never, labels, EPS, scale)
        assert "\n" not in str(error.value)
    classed(never, labels, EPS, 1.0)
    with pytest.raises(UserError, match="guidance_scale is 2"):
        check_guidance(never, [1, 2])
