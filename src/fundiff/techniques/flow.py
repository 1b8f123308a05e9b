"""Part A in the course's flow form (2026): points of the linear path, their velocity, and edits.

The course's t is 0 at noise and 1 at the picture. The course gives sizes in pixels of a 512 x 512 picture; here they are
scaled to the picture's side.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import mse_loss

from fundiff.pipeline.noise import generator, randn
from fundiff.prior.flow import FlowPrior
from fundiff.process.paths import Linear
from fundiff.sampling.components import smooth
from fundiff.sampling.loop import last
from fundiff.techniques.bench import Bench
from fundiff.techniques.settings import Flow, FlowGuided

SIDE = 512  # of the course's own pictures


def point(path: Linear, seed: int, image: Tensor, t: float) -> Tensor:
    """x_t = (1 - t) eps + t image as `[1, 3, S, S]`, with the same eps at every t and in every stage (course 1.1)."""
    eps = randn([generator(seed, "flow")], image.shape, str(image.device))
    return path.forward(image[None], path.at_alpha(t), eps)


def blurs(x_t: Tensor, t: float, image: Tensor, sigmas: Sequence[float]) -> dict[float, tuple[Tensor, float]]:
    """sigma -> (x_t / t blurred, its mean squared error) (course 1.2).

    sigmas: in pixels of a 512 x 512 picture; the kernel reaches three sigmas to each side.
    """
    scaled = {sigma: smooth(x_t / t, sigma * x_t.shape[-1] / SIDE) for sigma in sigmas}
    return {sigma: (blurred, error(blurred, image)) for sigma, blurred in scaled.items()}


def error(x: Tensor, image: Tensor) -> float:
    """Mean squared error of `[1, 3, S, S]` against the picture `[3, S, S]`, both rescaled from [-1, 1] to [0, 1]."""
    return mse_loss((x[0] + 1) / 2, (image + 1) / 2).item()


@dataclass(frozen=True)
class Updates:
    """The remaining update at one t, predicted and true (course 1.4), `[3, S, S]` each."""

    x_t: Tensor
    predicted: Tensor
    true: Tensor

    @property
    def error(self) -> Tensor:
        """Root mean square of the difference over the colours, `[S, S]`."""
        return (self.predicted - self.true).square().mean(0).sqrt()


def updates(bench: Bench[FlowPrior], seed: int, image: Tensor, t: float, prompt: str) -> Updates:
    """The predicted update (1 - t) v and the true one (1 - t) (x_1 - eps) from x_t."""
    x_t = point(bench.prior.path, seed, image, t)
    velocity = bench.conditional([prompt])(x_t, bench.prior.path.at_alpha(t)).eps
    eps = point(bench.prior.path, seed, image, 0)
    return Updates(x_t[0], (1 - t) * velocity[0], (1 - t) * (image - eps[0]))


def denoised(
    bench: Bench[FlowPrior], settings: Flow, x_t: Tensor, start: float, prompt: str
) -> Iterator[Tensor]:
    """x_t `[1, 3, S, S]` at t = `start`, then every Euler step to the image (course 1.5)."""
    timesteps = settings.timesteps(bench.path, start)
    yield x_t
    # Euler's steps use no noise, but the loop needs a generator.
    yield from bench.denoise(
        settings, x_t, bench.conditional([prompt]), timesteps, [generator(settings.seed)]
    )


def edited(
    bench: Bench[FlowPrior],
    settings: FlowGuided,
    originals: Tensor,
    prompts: Sequence[str],
    start: float,
    noise: Sequence[torch.Generator],
) -> Tensor:
    """Noise originals `[B, 3, S, S]` to t = `start` and denoise them towards their prompts (course 3.1, 3.2)."""
    timesteps = settings.timesteps(bench.path, start)
    x_t = bench.path.forward(originals, timesteps[0], randn(noise, originals.shape[1:], bench.device))
    return last(bench.denoise(settings, x_t, bench.guided(settings, prompts), timesteps, noise))


def file_name(t: float) -> str:
    """The course's t in hundredths as a part of a file's name: 050 for 0.5, 002_4 for 0.024."""
    return f"{100 * t:08.4f}".rstrip("0").rstrip(".").replace(".", "_")


def hybrid_kernel(side: int) -> tuple[int, float]:
    """Kernel and sigma of the low-pass filter for pictures of that side; the course has 265 and 16 for 512 pixels (3.4)."""
    return 2 * round(16.5 * side / 64) + 1, 2 * side / 64
