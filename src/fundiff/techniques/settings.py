"""Params that the techniques share: those of the course's diffusion form, and those of its flow form (Fall 2026)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, Protocol

from pydantic import Field

from fundiff.pipeline.params import Section
from fundiff.process.paths import Linear, Path
from fundiff.sampling.intervals import Interval
from fundiff.sampling.loop import euler_timesteps, every

Levels = Annotated[
    list[int],
    Field(
        min_length=1,
        description="indices of the timesteps to start from (the course's i_start); a small one means much noise",
    ),
]
FlowTime = Annotated[float, Field(ge=0, lt=1, description="the course's t: 0 is noise; 1 would be the image")]


class Denoising(Protocol):
    """What every denoising needs: the seed of its noise and its step."""

    @property
    def seed(self) -> int:
        """Seed of the noise."""

    @property
    def step(self) -> str:
        """Name of the step, which the prior makes by `step(name)`."""


class Timed(Protocol):
    """Settings that choose the timesteps."""

    def timesteps(self, path: Path) -> Sequence[float]:
        """Timesteps on the path, descending from the noisiest."""


class Guiding(Protocol):
    """Settings of classifier-free guidance."""

    @property
    def guidance_scale(self) -> float:
        """1 is no guidance."""

    @property
    def unconditional(self) -> str:
        """The prompt of the unconditional estimate."""

    @property
    def guidance_interval(self) -> tuple[float, float]:
        """First and last t with guidance, as shares of the noisiest t."""


class GuidedDenoising(Denoising, Timed, Guiding, Protocol):
    """A guided denoising."""


class Loop(Section):
    """Params of a denoising by the course's steps or the scheduler's own."""

    seed: int
    step: Literal["course", "scheduler"]


class Strided(Loop):
    """Params of a denoising along evenly spaced timesteps."""

    stride: int = Field(
        ge=1, le=500, description="distance between timesteps; the course's 30 gives 990, 960, ..., 0"
    )

    def timesteps(self, path: Path) -> list[int]:
        """Multiples of the stride below the path's T, descending to 0 (course A1.4: 990, 960, ..., 0)."""
        return every(self.stride, len(path))


class Guidance(Section):
    """Params of classifier-free guidance (course A1.6)."""

    guidance_scale: float = Field(ge=0, description="1 is no guidance")
    unconditional: str = Field(description="the prompt of the unconditional estimate")
    guidance_interval: Interval


class Guided(Strided, Guidance):
    """Params of a guided denoising along evenly spaced timesteps."""


class Flow(Section):
    """Params of a denoising by Euler steps along the linear path (course Part A, Fall 2026)."""

    seed: int
    step_size: float = Field(
        gt=0, le=1, description="h of Euler's x += h v; the course's 0.02 makes 50 steps"
    )

    @property
    def step(self) -> str:
        """The step of a flow."""
        return "euler"

    def timesteps(self, path: Path, start: float = 0.0) -> list[float]:
        """Timesteps of Euler steps from the course's t = `start`; the last step is shortened to end at the image."""
        if not isinstance(path, Linear):
            raise TypeError("Euler's steps are taken on the linear path")
        return euler_timesteps(path, start, self.step_size)


class FlowGuided(Flow):
    """Params of a guided flow: v = v_c + w (v_c - v_u), which is guidance_scale = w + 1 of the diffusion form."""

    w: float = Field(ge=-1, description="0 is no guidance")
    unconditional: str = Field(description="the prompt of the unconditional estimate")
    guidance_interval: Interval

    @property
    def guidance_scale(self) -> float:
        """g of the equivalent form v_u + g (v_c - v_u)."""
        return self.w + 1
