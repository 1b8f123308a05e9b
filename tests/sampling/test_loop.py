"""The denoising loop: what it yields, when a row enters, and that a sample is the same alone or in a batch."""

import weakref

import pytest
import torch

from fundiff.pipeline.noise import generator, randn, sample_generators
from fundiff.process.paths import VariancePreserving
from fundiff.process.predictions import EpsPrediction
from fundiff.sampling.estimate import Estimate
from fundiff.sampling.loop import denoise, last
from fundiff.sampling.steps import ancestral, ddim

pytestmark = pytest.mark.bits
PROCESS = EpsPrediction(VariancePreserving.linear_betas(50, 1e-4, 0.02))
TIMESTEPS = [*range(49, -1, -7), -1]


def shrink(x_t, t):
    return Estimate(0.3 * x_t + t / 100)


def picture(count: int, step=ancestral, **options) -> torch.Tensor:
    x = randn(sample_generators(7, count, "start"), (1, 4, 4))
    return last(denoise(x, shrink, TIMESTEPS, step(PROCESS), sample_generators(7, count), **options))


def test_yields_once_per_step_and_keeps_its_past():
    x = torch.zeros(1, 1, 4, 4)
    frames = list(denoise(x, shrink, TIMESTEPS, ddim(PROCESS), sample_generators(0, 1)))
    assert len(frames) == len(TIMESTEPS) - 1
    assert not torch.equal(frames[0], frames[1])
    assert torch.equal(x, torch.zeros(1, 1, 4, 4))


def test_last_keeps_the_newest_frame_alone():
    alive: list[weakref.ref] = []

    def frames():
        for _ in range(5):
            frame = torch.zeros(1)
            alive.append(weakref.ref(frame))
            yield frame
            del frame
            assert sum(one() is not None for one in alive) <= 1

    assert last(frames()) is alive[-1]()
    with pytest.raises(ValueError, match="nothing was denoised"):
        last([])


def test_a_sample_is_the_same_alone_or_in_a_batch():
    assert torch.equal(picture(1)[0], picture(5)[0])


def test_a_perfect_estimator_is_undone_exactly():
    x0, eps = torch.rand(2, 1, 4, 4), torch.randn(2, 1, 4, 4)
    x_t = PROCESS.path.forward(x0, 49, eps)
    back = last(denoise(x_t, lambda x, t: Estimate(eps), TIMESTEPS, ddim(PROCESS), sample_generators(0, 2)))
    assert torch.allclose(back, x0, atol=1e-4)


def test_a_row_that_enters_later_joins_the_batch_as_if_alone():
    x = randn(sample_generators(7, 2, "start"), (1, 4, 4))
    both = last(denoise(x, shrink, TIMESTEPS, ancestral(PROCESS), sample_generators(7, 2), enter=[0, 3]))
    alone = denoise(x[1:], shrink, TIMESTEPS[3:], ancestral(PROCESS), sample_generators(7, 2)[1:])
    assert torch.equal(both[1:], last(alone))


def test_a_row_that_never_enters_stays_as_it_was():
    x = torch.rand(2, 1, 4, 4)
    end = last(
        denoise(x, shrink, TIMESTEPS, ddim(PROCESS), sample_generators(0, 2), enter=[0, len(TIMESTEPS) - 1])
    )
    assert torch.equal(end[1], x[1])


def test_the_estimator_is_asked_only_for_rows_that_have_entered():
    asked = []

    def count(x_t, t):
        asked.append(len(x_t))
        return Estimate(x_t)

    list(
        denoise(
            torch.zeros(3, 1, 2, 2),
            count,
            [9, 6, 3, -1],
            ddim(PROCESS),
            sample_generators(0, 3),
            enter=[0, 1, 2],
        )
    )
    assert asked == [1, 2, 3]


def test_rows_out_of_order_are_refused():
    with pytest.raises(ValueError, match="ordered"):
        list(
            denoise(
                torch.zeros(2, 1, 2, 2),
                shrink,
                [1, -1],
                ddim(PROCESS),
                sample_generators(0, 2),
                enter=[1, 0],
            )
        )


def test_the_constraint_has_the_last_word_after_each_step():
    seen = []

    def constraint(x, t):
        seen.append(t)
        return x * 0

    end = picture(2, constraint=constraint)
    assert seen == TIMESTEPS[1:] and end.abs().sum() == 0


def test_generators_depend_on_all_of_seed_purpose_and_position():
    def draw(*key):
        return torch.rand(1, generator=generator(*key)).item()

    keys = [(1, "noise", 0), (1, "noise", 1), (1, "order", 0), (2, "noise", 0), (1, "noise", 0, 0)]
    assert len({draw(*key) for key in keys}) == len(keys)
    assert draw(*keys[0]) == draw(*keys[0])
