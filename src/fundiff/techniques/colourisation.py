"""Colourisation: the grey of a picture is kept, its colours are drawn (Song et al. 2021, section 5; Geng et al. 2024)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from fundiff.sampling.components import colour
from fundiff.sampling.constraints import keep_component
from fundiff.sampling.loop import last
from fundiff.techniques.bench import Bench
from fundiff.techniques.settings import Guided

grey, chroma = colour()  # components `[B, 3, S, S]` -> same, which sum to the picture


def colourise(
    bench: Bench,
    settings: Guided,
    original: Tensor,
    prompt: str,
    generators: Sequence[torch.Generator],
    known: Sequence[torch.Generator],
) -> Tensor:
    """Samples `[N, 3, S, S]` in [-1, 1], one a generator, with the grey of the original and the colours of the prompt.

    original `[3, S, S]` in [-1, 1]; its colours are not used. known: N generators of the kept grey's noise.
    """
    count, timesteps = len(generators), bench.timesteps(settings)
    given = grey(original[None]).expand(count, -1, -1, -1)
    constraint = keep_component(given, grey, bench.path, known, timesteps[-1])
    start, estimator = bench.noise(generators), bench.guided(settings, [prompt] * count)
    drawn = last(bench.denoise(settings, start, estimator, timesteps, generators, constraint))
    return in_range(given, chroma(drawn))


def in_range(given: Tensor, drawn: Tensor) -> Tensor:
    """A grey in [-1, 1] and colours whose mean over the channels is 0, `[B, 3, S, S]` each, as pictures in [-1, 1].

    Where a channel of their sum would leave the range, the colours of that pixel are scaled down. Clipping the channel
    would change the grey.
    """
    room = (1 - given * drawn.sign()) / drawn.abs().clamp(min=1e-6)
    return given + drawn * room.amin(1, keepdim=True).clamp(0, 1)


def grey_error(samples: Tensor, original: Tensor) -> float:
    """The largest difference between the greys of `[N, 3, S, S]` and `[3, S, S]`; 0 where the grey is kept exactly."""
    return float((grey(samples) - grey(original[None])).abs().max())


def colourfulness(x: Tensor) -> float:
    """The largest channel minus the smallest, as a share of the range, mean over the pixels of `[..., 3, S, S]`; 0 is grey."""
    return float((x.amax(-3) - x.amin(-3)).mean() / 2)
