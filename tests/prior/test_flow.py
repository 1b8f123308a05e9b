"""A prior on the linear path: Euler there is DDIM on the prior's own path, whatever its network predicts."""

import pytest
import torch

from fundiff.pipeline.noise import randn, sample_generators
from fundiff.pipeline.runtime import Runtime
from fundiff.prior.flow import FlowPrior
from fundiff.prior.hub import Model, pin
from fundiff.prior.pixel_prior import load_pixel_prior
from fundiff.sampling.constraints import keep
from fundiff.sampling.estimators import conditional, guided
from fundiff.sampling.loop import calls, denoise, euler_timesteps, last
from fundiff.sampling.steps import ddim, euler
from tests.tiny import SIZE, make_if, rescheduled

pytestmark = pytest.mark.bits

STATES = torch.randn(2, 77, 32, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def prior(tmp_path_factory):
    folder = make_if(tmp_path_factory.mktemp("prior") / "if")
    model = Model(name=str(folder), variant=None, precision="fp32", offload=False, stage_ii=None)
    return load_pixel_prior(pin(model), Runtime("cpu", "fp32", 1))


@pytest.fixture(params=["v_prediction", "epsilon", "sample"])
def flow(prior, request):
    return FlowPrior(rescheduled(prior, prediction_type=request.param))


def noise():
    return randn(sample_generators(180, 1), (3, SIZE, SIZE))


def test_euler_on_the_line_is_ddim_on_the_priors_own_path(flow):
    """Both start from the same noise at t = 900; on the linear path it is multiplied by the path's norm."""
    own, bridge = flow.prior, flow.bridge.path
    timesteps = [*range(900, -1, -60), -1]
    by_ddim = denoise(
        noise(), conditional(own, STATES[:1]), timesteps, ddim(own.process), sample_generators(0, 1)
    )
    times = [bridge.time_of(timestep) for timestep in timesteps]
    start = noise() * bridge.norm(times[0])
    by_euler = denoise(start, conditional(flow, STATES[:1]), times, euler(flow.path), sample_generators(0, 1))
    assert torch.allclose(last(by_ddim), last(by_euler), atol=1e-4)


def test_starts_take_the_courses_steps_and_land_on_the_image(flow):
    path = flow.path
    for start, steps in {0: 50, 0.5: 25, 0.93: 4, 0.02: 49, 0.98: 1}.items():
        timesteps = euler_timesteps(path, start, 0.02)
        assert calls(timesteps) == steps, start
        assert path.alpha(timesteps[0]).item() == pytest.approx(start, abs=1e-6)
        assert path.alpha(timesteps[-1]) == 1
    lengths = path.alpha(torch.tensor(euler_timesteps(path, 0.93, 0.02), dtype=torch.float64)).diff()
    assert torch.allclose(lengths, torch.tensor([0.02, 0.02, 0.02, 0.01], dtype=torch.float64))


@pytest.mark.parametrize("t", [999.0, 998.5, 400.0, -0.98])
def test_the_velocity_is_finite_also_at_the_ends(flow, t):
    estimate = conditional(flow, STATES[:1])(noise(), t)
    assert estimate.v is None and estimate.eps.isfinite().all()


def test_at_pure_noise_a_v_prediction_tells_the_image_without_a_division(prior):
    prior = rescheduled(prior, prediction_type="v_prediction")
    velocity = FlowPrior(prior)(noise(), 999.0, STATES[:1]).eps
    image = -prior.predict(noise(), 999.0, STATES[:1])[0]
    assert torch.allclose(velocity, image - noise(), atol=1e-6)


def test_w_0_is_the_conditional_velocity_bit_for_bit_and_w_counts_from_it(flow):
    x, t = noise(), 500.0
    plain, empty = (conditional(flow, STATES[i : i + 1])(x, t).eps for i in (0, 1))
    w = [guided(flow, STATES[:1], STATES[1], scale + 1)(x, t).eps for scale in (0, 7)]
    assert torch.equal(w[0], plain)
    assert torch.allclose(w[1], plain + 7 * (plain - empty), atol=1e-4)


def test_the_known_region_is_exact_with_one_noise_a_run(flow):
    original, mask = torch.rand(1, 3, SIZE, SIZE) * 2 - 1, torch.zeros(1, 1, SIZE, SIZE)
    mask[..., 4:12, 4:12] = 1
    kept = keep(original, mask, flow.path, sample_generators(1, 1), -1, once=True)
    eps = randn(sample_generators(1, 1), (3, SIZE, SIZE))
    for t in (800.0, 300.0, -1.0):
        expected = (1 - mask) * flow.path.forward(original, t, eps)
        assert torch.equal(kept(torch.zeros_like(original), t), expected)
    timesteps = euler_timesteps(flow.path, 0, 0.25)
    steps = denoise(
        noise(), conditional(flow, STATES[:1]), timesteps, euler(flow.path), sample_generators(0, 1), kept
    )
    assert torch.equal(last(steps) * (1 - mask), original * (1 - mask))
