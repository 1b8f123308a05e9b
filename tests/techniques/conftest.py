"""What the tests of the techniques share: a tiny prior that was never trained, and settings of three steps."""

from contextlib import nullcontext

import pytest
import torch
from torch import Tensor

from fundiff.pipeline.noise import sample_generators
from fundiff.prior.pixel_prior import PixelPrior
from fundiff.prior.schedules import schedule_of
from fundiff.techniques.bench import Bench
from fundiff.techniques.generation import guided_samples
from fundiff.techniques.settings import Guided
from tests.tiny import SIZE, scheduler, unet

PROMPTS = ["a tree", "a flame", ""]
STATE = 32  # channels of the tiny text encoder


@pytest.fixture(scope="session")
def bench() -> Bench:
    """A tiny prior of DeepFloyd's layout with random weights, and random token states for its prompts."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network, ddpm = unet().eval().requires_grad_(False), scheduler()
        states = {prompt: torch.randn(77, STATE) for prompt in PROMPTS}
    schedule = schedule_of("tiny", ddpm)
    prior = PixelPrior(network, schedule, schedule.path, lambda: ddpm, "cpu", torch.float32, nullcontext)
    return Bench(prior, states)


@pytest.fixture(scope="session")
def settings() -> Guided:
    """The timesteps 900, 600, 300, 0, and guidance."""
    return Guided(
        seed=180, step="course", stride=300, guidance_scale=3, unconditional="", guidance_interval=(0, 1)
    )


@pytest.fixture(scope="session")
def originals() -> Tensor:
    """Two pictures `[2, 3, S, S]` in [-1, 1]."""
    return torch.rand(2, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(1)) * 2 - 1


@pytest.fixture(scope="session")
def plain(bench, settings) -> Tensor:
    """Two guided samples `[2, 3, S, S]` of "a tree": what techniques give in their limiting cases."""
    return guided_samples(bench, settings, "a tree", 2)[-1]


@pytest.fixture
def generators(settings) -> list[torch.Generator]:
    """The generators with which `plain` was drawn."""
    return sample_generators(settings.seed, 2)


@pytest.fixture
def known(settings) -> list[torch.Generator]:
    """Generators for the noise of what a constraint keeps."""
    return sample_generators(settings.seed, 2, "known")
