from itertools import pairwise

import pytest
import torch
from diffusers import RePaintScheduler

from fundiff.pipeline.noise import randn, sample_generators
from fundiff.process.paths import Linear, VariancePreserving
from fundiff.process.predictions import EpsPrediction, VelocityPrediction
from fundiff.sampling.components import bands, colour
from fundiff.sampling.constraints import back_and_forth, keep, keep_component
from fundiff.sampling.estimate import Estimate
from fundiff.sampling.loop import calls, denoise, every, last
from fundiff.sampling.steps import ancestral, ddim

pytestmark = pytest.mark.bits

PATH = VariancePreserving.linear_betas(1000, 1e-4, 0.02)
STEP = ancestral(EpsPrediction(PATH))
TIMESTEPS = list(range(990, -1, -330))
ORIGINAL = torch.rand(2, 3, 8, 8) * 2 - 1
MASK = torch.zeros(2, 1, 8, 8)
MASK[:, :, 2:5, 3:6] = 1


def constraint():
    return keep(ORIGINAL, MASK, PATH, sample_generators(1, 2), 0)


def test_on_the_way_the_known_region_has_its_timesteps_noise():
    x = torch.zeros(2, 3, 8, 8)
    kept = constraint()(x, 660)
    known = (1 - MASK).bool().expand_as(x)
    abar = PATH.alphas_cumprod[660]
    noise = (kept - abar.sqrt() * ORIGINAL)[known] / (1 - abar).sqrt()
    assert abs(noise.std() - 1) < 0.15
    assert torch.equal(kept[~known], x[~known])


def test_the_known_region_is_exact_at_the_end_and_only_there_nothing_changes():
    start = torch.randn(2, 3, 8, 8)
    end = last(
        denoise(start, lambda x, t: Estimate(x), TIMESTEPS, STEP, sample_generators(0, 2), constraint())
    )
    assert torch.equal(end * (1 - MASK), ORIGINAL * (1 - MASK))
    assert not torch.allclose(end * MASK, ORIGINAL * MASK)


def test_a_row_is_kept_alike_alone_or_in_a_batch():
    x = torch.zeros(2, 3, 8, 8)
    alone = keep(ORIGINAL[:1], MASK[:1], PATH, sample_generators(1, 1), 0)(x[:1], 660)
    assert torch.equal(alone, constraint()(x, 660)[:1])


def test_resampling_goes_back_and_ends_at_the_same_place():
    assert back_and_forth([9, 6, 3, 0], 1, 1) == [9, 6, 3, 0]
    assert back_and_forth([9, 6, 3, 0], 2, 2) == [9, 6, 3, 9, 6, 3, 0, 3, 0]


def test_jumps_back_ask_nothing_of_the_estimator_and_are_the_forward_process():
    asked, walk = [], back_and_forth(TIMESTEPS, 2, 3)

    def estimator(x, t):
        asked.append(t)
        return Estimate(0 * x)

    start, g = torch.randn(2, 3, 8, 8), sample_generators(0, 2)
    frames = list(denoise(start, estimator, walk, STEP, g, renoise=PATH.renoise))
    assert asked == [t for t, t_next in pairwise(walk) if t_next < t] and calls(walk) == len(asked) == 9
    g = sample_generators(0, 2)
    noise = [randn(g, (3, 8, 8)) for _ in frames][2]
    assert walk[2:4] == [330, 990]
    assert torch.equal(frames[2], PATH.renoise(frames[1], 330, 990, noise))
    with pytest.raises(ValueError, match="go back from 330 to 990"):
        list(denoise(start, estimator, walk, STEP, g))


def repaint(steps: int) -> tuple[RePaintScheduler, EpsPrediction[VariancePreserving]]:
    """diffusers' RePaint scheduler, set to `steps` of 300 timesteps, and our process with the same path."""
    made = RePaintScheduler(300, 1e-4, 0.02, "linear", eta=1.0, clip_sample=False)
    made.set_timesteps(steps, jump_length=10, jump_n_sample=2)
    made.alphas_cumprod = made.alphas_cumprod.double()
    return made, EpsPrediction(VariancePreserving(made.alphas_cumprod))


@pytest.mark.parametrize("steps", [300, 299, 50, 37, 13])
def test_a_step_of_repaint_is_diffusers(steps, monkeypatch):
    """An ancestral step with the posterior's variance inside the hole, and the noised original outside."""
    made, process = repaint(steps)
    g = torch.Generator().manual_seed(0)
    x, eps, noise = (torch.randn(2, 3, 8, 8, generator=g, dtype=torch.float64) for _ in range(3))
    monkeypatch.setattr("diffusers.schedulers.scheduling_repaint.randn_tensor", lambda *a, **k: noise)
    monkeypatch.setattr("fundiff.sampling.constraints.randn", lambda *a: noise)
    kept = keep(ORIGINAL.double(), MASK.double(), process.path, sample_generators(0, 2), -1)
    stride = 300 // steps
    for t in list(range((steps - 1) * stride, 0, -stride))[:: max(1, steps // 6)]:
        theirs = made.step(eps, t, x, ORIGINAL.double(), 1 - MASK.double()).prev_sample
        drawn = ancestral(process)(x, t, t - stride, Estimate(eps, torch.full_like(x, -1)), noise)
        assert torch.allclose(kept(drawn, t - stride), theirs, atol=1e-6), t


@pytest.mark.parametrize("steps", [300, 50, 37, 13])
def test_the_way_back_of_repaint_is_diffusers(steps, monkeypatch):
    """Mean and variance of a jump back. diffusers' own begins one timestep earlier than it says."""
    made, process = repaint(steps)
    stride = 300 // steps
    for t in (stride, 5 * stride):
        monkeypatch.setattr("diffusers.schedulers.scheduling_repaint.randn_tensor", lambda *a, **k: 0.0)
        one, zero = torch.ones(1, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
        mean = process.path.renoise(one, t - 1, t - 1 + stride, zero)
        assert torch.allclose(made.undo_step(one, t), mean, atol=1e-6)
        drawn = iter(torch.eye(stride, dtype=torch.float64))
        monkeypatch.setattr(
            "diffusers.schedulers.scheduling_repaint.randn_tensor", lambda *a, draws=drawn, **k: next(draws)
        )
        deviation = process.path.renoise(zero, t - 1, t - 1 + stride, one)
        apart = made.undo_step(torch.zeros(stride, dtype=torch.float64), t)  # each draw has its own element
        assert torch.allclose(apart.norm(), deviation, atol=1e-6)


@pytest.mark.parametrize("path", [PATH, Linear(1000)])
@pytest.mark.parametrize("stride", [37, 300])
def test_the_known_region_is_exact_on_every_path_and_stride(path, stride):
    timesteps = every(stride, 1000)
    kept = keep(ORIGINAL, MASK, path, sample_generators(1, 2), timesteps[-1])
    step = ddim(VelocityPrediction(path))
    start = torch.randn(2, 3, 8, 8)
    end = last(denoise(start, lambda x, t: Estimate(x), timesteps, step, sample_generators(0, 2), kept))
    assert torch.equal(end * (1 - MASK), ORIGINAL * (1 - MASK))


def test_a_kept_component_is_the_originals_at_the_end_and_the_rest_is_drawn():
    low, high = bands([2.0])
    kept = keep_component(ORIGINAL, high, PATH, sample_generators(1, 2), 0)
    start = torch.randn(2, 3, 8, 8)
    end = last(denoise(start, lambda x, t: Estimate(x), TIMESTEPS, STEP, sample_generators(0, 2), kept))
    assert torch.allclose(kept(start, 0), start - high(start) + high(ORIGINAL))
    grey, colours = colour()  # `grey` is a projection, so the kept component is exactly the original's
    shown = keep_component(ORIGINAL, grey, PATH, sample_generators(1, 2), 0)(start, 0)
    assert torch.allclose(grey(shown), grey(ORIGINAL), atol=1e-6)
    assert torch.allclose(colours(shown), colours(start), atol=1e-6)
    assert not torch.allclose(low(end), low(ORIGINAL), atol=0.1)
    same = keep_component(ORIGINAL, lambda x: x, PATH, sample_generators(1, 2), 0)
    assert torch.allclose(same(start, 0), ORIGINAL, atol=1e-6)
