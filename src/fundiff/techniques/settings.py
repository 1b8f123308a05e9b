"""The settings that the techniques share, as sections of params.yaml hold them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from fundiff.pipeline.params import Section

Levels = Annotated[
    list[int], Field(min_length=1, description="where in the timesteps to start: small is much noise")
]


class Loop(Section):
    """What every denoising needs: the seed of its noise and the kind of its steps."""

    seed: int
    step: Literal["course", "scheduler"]


class Strided(Loop):
    """A denoising along the course's evenly spaced timesteps."""

    stride: int = Field(ge=1, le=500, description="between timesteps; the course's 30 gives 990, 960, ..., 0")


class Guidance(Section):
    """Classifier-free guidance (course A1.6)."""

    guidance_scale: float = Field(ge=0, description="1 is no guidance")
    unconditional: str = Field(description="the prompt that guidance leads away from")


class Guided(Strided, Guidance):
    """A guided denoising along the course's timesteps."""
