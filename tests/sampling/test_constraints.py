import torch

from fundiff.pipeline.noise import sample_generators
from fundiff.process.schedule import Schedule
from fundiff.sampling.components import bands, colour
from fundiff.sampling.constraints import back_and_forth, keep, keep_component
from fundiff.sampling.loop import denoise, last
from fundiff.sampling.steps import course

SCHEDULE = Schedule.linear(1000, 1e-4, 0.02)
TIMESTEPS = list(range(990, -1, -330))
ORIGINAL = torch.rand(2, 3, 8, 8) * 2 - 1
MASK = torch.zeros(2, 1, 8, 8)
MASK[:, :, 2:5, 3:6] = 1


def constraint():
    return keep(ORIGINAL, MASK, SCHEDULE, sample_generators(1, 2), 0)


def test_on_the_way_the_known_region_has_its_timesteps_noise():
    x = torch.zeros(2, 3, 8, 8)
    kept = constraint()(x, 660)
    known = (1 - MASK).bool().expand_as(x)
    abar = SCHEDULE.alphas_cumprod[660]
    noise = (kept - abar.sqrt() * ORIGINAL)[known] / (1 - abar).sqrt()
    assert abs(noise.std() - 1) < 0.15
    assert torch.equal(kept[~known], x[~known])


def test_the_known_region_is_exact_at_the_end_and_only_there_nothing_changes():
    start = torch.randn(2, 3, 8, 8)
    end = last(
        denoise(
            start, lambda x, t: (x, None), TIMESTEPS, course(SCHEDULE), sample_generators(0, 2), constraint()
        )
    )
    assert torch.equal(end * (1 - MASK), ORIGINAL * (1 - MASK))
    assert not torch.allclose(end * MASK, ORIGINAL * MASK)


def test_a_row_is_kept_alike_alone_or_in_a_batch():
    x = torch.zeros(2, 3, 8, 8)
    alone = keep(ORIGINAL[:1], MASK[:1], SCHEDULE, sample_generators(1, 1), 0)(x[:1], 660)
    assert torch.equal(alone, constraint()(x, 660)[:1])


def test_resampling_goes_back_and_ends_at_the_same_place():
    assert back_and_forth([9, 6, 3, 0], 1, 1) == [9, 6, 3, 0]
    assert back_and_forth([9, 6, 3, 0], 2, 2) == [9, 6, 3, 9, 6, 3, 0, 3, 0]


def test_going_back_is_the_forward_process_between_two_timesteps():
    x_t, noise = torch.randn(1, 3, 8, 8), torch.randn(1, 3, 8, 8)
    back = course(SCHEDULE)(x_t, 330, 660, x_t, None, noise)
    ratio = SCHEDULE.alphas_cumprod[660] / SCHEDULE.alphas_cumprod[330]
    assert torch.allclose(back, ratio.sqrt() * x_t + (1 - ratio).sqrt() * noise)


def test_a_kept_component_is_the_originals_at_the_end_and_the_rest_is_drawn():
    low, high = bands([2.0])
    kept = keep_component(ORIGINAL, high, SCHEDULE, sample_generators(1, 2), 0)
    start = torch.randn(2, 3, 8, 8)
    end = last(
        denoise(start, lambda x, t: (x, None), TIMESTEPS, course(SCHEDULE), sample_generators(0, 2), kept)
    )
    assert torch.allclose(kept(start, 0), start - high(start) + high(ORIGINAL))
    grey, colours = colour()  # a projection and its rest: what is kept is then exactly the original's
    shown = keep_component(ORIGINAL, grey, SCHEDULE, sample_generators(1, 2), 0)(start, 0)
    assert torch.allclose(grey(shown), grey(ORIGINAL), atol=1e-6)
    assert torch.allclose(colours(shown), colours(start), atol=1e-6)
    assert not torch.allclose(low(end), low(ORIGINAL), atol=0.1)
    same = keep_component(ORIGINAL, lambda x: x, SCHEDULE, sample_generators(1, 2), 0)
    assert torch.allclose(same(start, 0), ORIGINAL, atol=1e-6)
