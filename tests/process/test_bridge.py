"""The bridge: the linear path in the prior's coordinates, exact where both are defined, and at both ends."""

import pytest
import torch
from diffusers import DDPMScheduler
from hypothesis import given, settings
from hypothesis import strategies as st

from fundiff.process.bridge import Bridge
from fundiff.process.paths import Linear, VariancePreserving

PRIOR = VariancePreserving.of(DDPMScheduler(1000, beta_schedule="squaredcos_cap_v2"))
LINEAR = Linear(1000)
BRIDGE = Bridge(LINEAR, PRIOR)


def tensors():
    g = torch.Generator().manual_seed(0)
    return torch.rand(2, 3, 8, 8, generator=g) * 2 - 1, torch.randn(2, 3, 8, 8, generator=g)


@given(t=st.floats(-1, 999))
@settings(max_examples=40, deadline=None)
def test_a_point_of_the_bridge_is_the_lines_over_its_norm(t):
    image, noise = tensors()
    scaled = LINEAR.forward(image, t, noise) / BRIDGE.norm(t)
    assert torch.allclose(BRIDGE.forward(image, t, noise), scaled, atol=1e-5)
    assert (BRIDGE.alpha(t) ** 2 + BRIDGE.sigma(t) ** 2).item() == pytest.approx(1, abs=1e-6)


def test_both_ends_are_exact():
    image, noise = tensors()
    for path in (LINEAR, BRIDGE):
        assert torch.equal(path.forward(image, 999, noise), noise)
        assert torch.equal(path.forward(image, -1, noise), image)
    assert BRIDGE.timestep(999) == 999 and BRIDGE.timestep(-1) == 0


@given(timestep=st.integers(0, 999))
@settings(max_examples=40, deadline=None)
def test_a_whole_timestep_of_the_prior_comes_back_with_its_alpha_and_sigma(timestep):
    t = BRIDGE.time_of(timestep)
    assert BRIDGE.timestep(t) == pytest.approx(timestep, abs=1e-6)
    assert BRIDGE.alpha(t).item() == pytest.approx(PRIOR.alpha(timestep).item(), abs=2e-6)
    assert BRIDGE.sigma(t).item() == pytest.approx(PRIOR.sigma(timestep).item(), abs=2e-4)
    assert BRIDGE.time_of(-1) == -1


def test_timesteps_rise_with_the_noise_and_lie_between_whole_ones():
    timesteps = [BRIDGE.timestep(t) for t in torch.linspace(-1, 999, 300).tolist()]
    assert timesteps == sorted(timesteps)
    assert any(timestep != round(timestep) for timestep in timesteps)
