"""The sections of prior/params.yaml: one per stage, of the stage's own name."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import Field

from fundiff.pipeline.params import Section, load_section
from fundiff.pipeline.stage import guarded
from prior.making.packages import Package

PARAMS = Path("prior/params.yaml")
NAMES = ["fetch_drawings", "render", "caption", "train_prior", "train_critic", "evaluate_prior", "export"]
S = TypeVar("S", bound=Section)


class FetchDrawings(Section):
    folder: str = ""
    packages: list[Package]


class Render(Section):
    processes: int = Field(ge=1)


class Caption(Section):
    seed: int
    pictures: int = Field(ge=1)
    processes: int = Field(ge=1)
    sets: list[str]
    pairs: int = Field(ge=1)
    scene_share: float = Field(ge=0, le=1)
    pair_share: float = Field(ge=0, le=1)
    generic_share: float = Field(ge=0, le=1)
    generic: list[str] = Field(default_factory=list)
    keyword_share: float = Field(ge=0, le=1)
    concepts: list[str]
    weights: dict[str, float] = Field(default_factory=dict)
    styles: dict[str, str] = Field(default_factory=dict)


class TrainPrior(Section):
    seed: int
    init: str = ""
    images: int = Field(ge=1)
    batch_size: int = Field(ge=1)
    learning_rate: float = Field(gt=0)
    warmup_images: int = Field(ge=0)
    decay_share: float = Field(ge=0, le=1)
    ema_decay: float = Field(ge=0, lt=1)
    dropped_prompts: float = Field(ge=0, le=1)
    snr_floor: float = Field(ge=0)
    snr_gamma: float = Field(gt=0)
    variance_weight: float = Field(ge=0)
    checkpoint_images: int = Field(ge=1)
    unet: dict[str, Any]


class TrainCritic(Section):
    seed: int
    held_out: str
    composed: int = Field(ge=0)
    images: int = Field(ge=1)
    batch_size: int = Field(ge=2)
    learning_rate: float = Field(gt=0)


class EvaluatePrior(Section):
    seed: int
    steps: int = Field(ge=1)
    scales: list[float] = Field(min_length=2)
    batch_size: int = Field(ge=1)
    names: int = Field(ge=1)
    keywords: int = Field(ge=1)
    scenes: int = Field(ge=1)
    styled: int = Field(ge=1)
    seeds: int = Field(ge=2)


def read(kind: type[S], name: str) -> S:
    """The section of a stage. Raises UserError where the file says something that the stage does not know."""
    return load_section(kind, name, NAMES, PARAMS)


def run(name: str, main: Callable[[], None]) -> None:
    """Run a stage of this pipeline."""
    guarded(name, main, "prior/dvc.yaml")
