"""The settings that the techniques share, as sections of params.yaml hold them: the course's, and those of its flow form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, Protocol

from pydantic import Field

from fundiff.pipeline.params import Section
from fundiff.process.paths import Linear, Path
from fundiff.sampling.loop import euler_timesteps, every

Levels = Annotated[
    list[int], Field(min_length=1, description="where in the timesteps to start: small is much noise")
]
FlowTime = Annotated[float, Field(ge=0, le=1, description="the course's t: 0 is noise, 1 the image")]


class Denoising(Protocol):
    """What every denoising needs."""

    @property
    def seed(self) -> int:
        """Of its noise."""

    @property
    def step(self) -> str:
        """The kind of its steps, a key of the prior's `steps`."""


class Timed(Protocol):
    """What chooses timesteps on a prior's path."""

    def timesteps(self, path: Path) -> Sequence[float]:
        """From the noisiest one down."""


class Guiding(Protocol):
    """Classifier-free guidance, whatever convention its settings have."""

    @property
    def guidance_scale(self) -> float:
        """1 is no guidance."""

    @property
    def unconditional(self) -> str:
        """The prompt that guidance leads away from."""


class GuidedDenoising(Denoising, Timed, Guiding, Protocol):
    """A guided denoising."""


class Loop(Section):
    """A denoising by the course's steps or the scheduler's own."""

    seed: int
    step: Literal["course", "scheduler"]


class Strided(Loop):
    """A denoising along the course's evenly spaced timesteps."""

    stride: int = Field(ge=1, le=500, description="between timesteps; the course's 30 gives 990, 960, ..., 0")

    def timesteps(self, path: Path) -> list[int]:
        """The multiples of the stride that the prior was trained on, from the largest down to 0 (course A1.4)."""
        return every(self.stride, len(path))


class Guidance(Section):
    """Classifier-free guidance (course A1.6)."""

    guidance_scale: float = Field(ge=0, description="1 is no guidance")
    unconditional: str = Field(description="the prompt that guidance leads away from")


class Guided(Strided, Guidance):
    """A guided denoising along the course's timesteps."""


class Flow(Section):
    """A denoising by Euler's steps along the linear path (course Part A, 2026)."""

    seed: int
    step_size: float = Field(
        gt=0, le=1, description="h of Euler's x += h v; the course's 0.02 makes 50 steps"
    )

    @property
    def step(self) -> str:
        """Of the kinds of steps the one that a flow has."""
        return "euler"

    def timesteps(self, path: Path, start: float = 0.0) -> list[float]:
        """Euler's steps from the course's t = `start`, the last one shortened to land on the image."""
        if not isinstance(path, Linear):
            raise TypeError("Euler's steps are taken on the linear path")
        return euler_timesteps(path, start, self.step_size)


class FlowGuided(Flow):
    """A guided one: v = v_c + w (v_c - v_u), which is guidance_scale = w + 1 of the older form."""

    w: float = Field(ge=-1, description="0 is no guidance")
    unconditional: str = Field(description="the prompt that guidance leads away from")

    @property
    def guidance_scale(self) -> float:
        """The same in the older form's convention, v_u + g (v_c - v_u)."""
        return self.w + 1
