"""Params that the techniques share."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from fundiff.pipeline.params import Section

Levels = Annotated[
    list[int],
    Field(
        min_length=1,
        description="indices into the timesteps to start from (the course's i_start): small is much noise",
    ),
]


class Loop(Section):
    """Params of every denoising: the seed of its noise and its step."""

    seed: int
    step: Literal["course", "scheduler"]


class Strided(Loop):
    """Params of a denoising along evenly spaced timesteps."""

    stride: int = Field(
        ge=1, le=500, description="distance of timesteps; the course's 30 gives 990, 960, ..., 0"
    )


class Guidance(Section):
    """Params of classifier-free guidance (course A1.6)."""

    guidance_scale: float = Field(ge=0, description="1 is no guidance")
    unconditional: str = Field(description="the prompt of the unconditional estimate")


class Guided(Strided, Guidance):
    """Params of a guided denoising along evenly spaced timesteps."""
