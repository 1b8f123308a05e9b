"""The sections of prior/params.yaml. Each has the name of its stage."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import Field

from fundiff.pipeline.params import Section, load_section
from fundiff.pipeline.stage import guarded
from prior.making.objective import Objective
from prior.making.packages import Package
from prior.making.training import Recipe

PARAMS = Path("prior/params.yaml")
NAMES = [
    "fetch_drawings", "render", "caption", "train_first", "train_last", "train_critic", "evaluate_prior", "export",
]  # fmt: skip
S = TypeVar("S", bound=Section)


class FetchDrawings(Section):
    folder: str = ""
    packages: list[Package]


class Render(Section):
    processes: int = Field(ge=1)
    people: int = Field(ge=0)
    seed: int


class Caption(Section):
    seed: int
    pictures: int = Field(ge=1)
    processes: int = Field(ge=1)
    held_out: list[str]
    shares: dict[str, float]
    style_share: float = Field(ge=0, le=1)
    generic_share: float = Field(ge=0, le=1)
    weights: dict[str, float] = Field(default_factory=dict)
    styles: dict[str, str] = Field(default_factory=dict)


class Leg(Section):
    """One part of the training. The second begins with the averaged weights of the first."""

    seed: int
    images: int = Field(ge=1)
    batch_size: int = Field(ge=1)
    optimizer: Literal["adamw", "muon"]
    learning_rate: float = Field(gt=0)
    warmup_images: int = Field(ge=0)
    decay_share: float = Field(ge=0, le=1)
    ema_decay: float = Field(ge=0, lt=1)
    dropped_prompts: float = Field(ge=0, le=1)
    snr_floor: float = Field(ge=0)
    snr_gamma: float = Field(gt=0)
    variance_weight: float = Field(ge=0)
    times: Literal["even", "logit-normal"]
    immiscible: int = Field(ge=0)
    checkpoint_images: int = Field(ge=1)

    def recipe(self) -> Recipe:
        """The recipe with this section's values."""
        names = {"snr_floor", "snr_gamma", "variance_weight", "times", "immiscible"}
        rest = self.model_dump(exclude={*names, "checkpoint_images", "unet"})
        return Recipe(**rest, objective=Objective(**self.model_dump(include=names)))


class FirstLeg(Leg):
    unet: dict[str, Any]


class TrainCritic(Section):
    seed: int
    held_out: list[str] = Field(min_length=1)
    composed: int = Field(ge=0)
    images: int = Field(ge=1)
    batch_size: int = Field(ge=2)
    learning_rate: float = Field(gt=0)


class EvaluatePrior(Section):
    seed: int
    steps: int = Field(ge=1)
    scales: list[float] = Field(min_length=2)
    batch_size: int = Field(ge=1)
    names: int = Field(ge=2)
    styled: int = Field(ge=6)
    seeds: int = Field(ge=2)
    new_pictures: int = Field(ge=1)
    reference: list[str] = Field(min_length=1)
    ceiling: str


def read(kind: type[S], name: str) -> S:
    """The section of a stage. Raises UserError for an unknown key or a wrong value."""
    return load_section(kind, name, NAMES, PARAMS)


def run(name: str, main: Callable[[], None]) -> None:
    """Run a stage of this pipeline."""
    guarded(name, main, ["prior/dvc.yaml"])
