"""Animations of digits: a denoising with its estimates of x_0, and an interpolation between two classes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from fundiff.digits.estimators import classed, mixed
from fundiff.digits.samples import deterministic, sample
from fundiff.digits.unet import UNet
from fundiff.pipeline.noise import sample_generators
from fundiff.pipeline.runtime import Runtime
from fundiff.process.predictions import Process
from fundiff.sampling.estimate import Estimate, Estimator
from fundiff.sampling.loop import last


def guesses(estimator: Estimator, process: Process, seen: list[Tensor]) -> Estimator:
    """The same estimator; it appends to `seen` the x_0 that each of its estimates implies."""

    def noted(x_t: Tensor, t: float) -> Estimate:
        estimate = estimator(x_t, t)
        seen.append(process.x0(x_t, t, estimate.eps))
        return estimate

    return noted


def denoising(
    unet: UNet, process: Process, seed: int, guidance_scale: float, steps: int, runtime: Runtime
) -> list[Tensor]:
    """Frames `[20, 1, 28, 28]`, one per step: x_t of the digits 0 to 9, then the estimate of x_0 for each."""
    seen: list[Tensor] = []
    estimator = classed(unet, torch.arange(10, device=runtime.device), process, guidance_scale)
    frames = sample(guesses(estimator, process, seen), process, sample_generators(seed, 10), runtime, steps)
    return [torch.cat([x, guess]) for x, guess in zip(list(frames), seen, strict=True)]


def interpolation(
    unet: UNet,
    process: Process,
    pairs: Sequence[tuple[int, int]],
    shares: Tensor,
    seed: int,
    guidance_scale: float,
    steps: int,
    runtime: Runtime,
) -> tuple[Tensor, ...]:
    """Digits `[pairs, 1, 28, 28]` for every share, from the same noise.

    shares: values in [0, 1]; the class of pair (a, b) is (1 - share) a + share b.
    """
    first, second = torch.eye(unet.classes, device=runtime.device)[torch.tensor(pairs)].unbind(1)
    weights = torch.cat([torch.lerp(first, second, float(share)) for share in shares])
    estimator = mixed(unet, weights, process, guidance_scale)
    generators = [g for _ in shares for g in sample_generators(seed, len(pairs))]
    drawn = last(sample(estimator, process, generators, runtime, steps, deterministic(process)))
    return drawn.split(len(pairs))
