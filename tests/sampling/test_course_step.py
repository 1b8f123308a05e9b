"""The course's step and the scheduler's own, each against diffusers' DDPMScheduler.step."""

import pytest
import torch
from diffusers import DDPMScheduler

from fundiff.process.schedule import Schedule
from fundiff.sampling.steps import course, scheduler

COURSE = list(range(990, -1, -30))


def ddpm(**options) -> DDPMScheduler:
    made = DDPMScheduler(
        num_train_timesteps=1000,
        beta_schedule="squaredcos_cap_v2",
        variance_type="learned_range",
        **{"clip_sample": False} | options,
    )
    made.set_timesteps(timesteps=COURSE)
    return made


def both(made: DDPMScheduler, step, t: int):
    """(theirs, ours) for one step from t with the same noise."""
    g = torch.Generator().manual_seed(t)
    x_t, eps = torch.randn(2, 3, 8, 8, generator=g), torch.randn(2, 3, 8, 8, generator=g)
    v = torch.rand(2, 3, 8, 8, generator=g) * 2 - 1
    noise = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(9))
    theirs = made.step(torch.cat([eps, v], 1), t, x_t, generator=torch.Generator().manual_seed(9)).prev_sample
    return theirs, step(x_t, t, t - 30, eps, v, noise)


@pytest.mark.parametrize("t", COURSE[:-1])
def test_the_course_step_is_the_schedulers_without_clipping_and_thresholding(t):
    made = ddpm()
    theirs, ours = both(made, course(Schedule.of(made)), t)
    assert torch.allclose(theirs, ours, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("options", [{"clip_sample": True}, {"thresholding": True, "sample_max_value": 1.5}])
@pytest.mark.parametrize("t", [990, 690, 30])
def test_the_scheduler_step_is_the_schedulers_own(t, options):
    made = ddpm(**options)
    theirs, ours = both(made, scheduler(Schedule.of(made), made), t)
    assert torch.allclose(theirs, ours, rtol=1e-4, atol=1e-5)
    if t == 990:
        assert not torch.allclose(theirs, both(made, course(Schedule.of(made)), t)[1], atol=0.1)


def test_the_schedule_is_ifs_cosine_from_almost_clean_to_almost_noise():
    schedule = Schedule.of(ddpm())
    x0, eps = torch.rand(1, 3, 4, 4), torch.randn(1, 3, 4, 4)
    assert torch.allclose(schedule.forward(x0, 0, eps), x0, atol=0.03)
    assert torch.allclose(schedule.forward(x0, 999, eps), eps, atol=0.01)
