"""The one loop. A technique is a start, a noise estimator, an optional constraint, and `denoise`."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise

import torch
from torch import Tensor

from fundiff.pipeline.noise import randn
from fundiff.sampling.steps import Step

Estimator = Callable[[Tensor, int], tuple[Tensor, Tensor | None]]
Constraint = Callable[[Tensor, int], Tensor]


@torch.no_grad()
def denoise(
    x: Tensor,
    estimator: Estimator,
    timesteps: Sequence[int],
    step: Step,
    generators: Sequence[torch.Generator],
    constraint: Constraint | None = None,
    enter: Sequence[int] | None = None,
) -> Iterator[Tensor]:
    """Yield x after every step of `timesteps`; the last value is the picture, all of them are the animation.

    x: `[B, C, H, W]`, the starts, at timesteps[0] or, with `enter` (ascending), row b at timesteps[enter[b]].
    estimator: (x_t, t) -> (eps, variance or None), asked for the first rows only until later ones have entered.
    generators: one per row, so a row is the same alone or in a batch. constraint: applied after each step.
    """
    x = x.clone()
    enter = list(enter) if enter is not None else [0] * len(x)
    if enter != sorted(enter):
        raise ValueError("rows must be ordered by the step at which they enter")
    for index, (t, t_prev) in enumerate(pairwise(timesteps)):
        n = sum(entry <= index for entry in enter)
        if n:
            eps, variance = estimator(x[:n], t)
            noise = randn(generators[:n], x.shape[1:], str(x.device))
            x[:n] = step(x[:n], t, t_prev, eps, variance, noise)
            if constraint is not None:
                x[:n] = constraint(x[:n], t_prev)
        yield x.clone()


def strided(count: int, steps: int) -> list[int]:
    """`steps` timesteps from count - 1 down, evenly spaced, then -1: the clean image."""
    spaced = torch.linspace(count - 1, 0, steps) if steps > 1 else torch.tensor([count - 1.0])
    return [*spaced.round().long().tolist(), -1]


def last(frames: Iterable[Tensor]) -> Tensor:
    """The finished picture: the last value of a denoising. No earlier frame is kept."""
    frame = None
    for frame in frames:  # noqa: B007
        pass
    if frame is None:
        raise ValueError("nothing was denoised: give at least one step")
    return frame
