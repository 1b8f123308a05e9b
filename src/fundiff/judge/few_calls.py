"""What the stages share that ask how few UNet calls will do: digits asked for, drawn by samplers, judged."""

from typing import Any

from pydantic import Field, PositiveInt
from torch import Tensor

from fundiff.digits.estimators import classed
from fundiff.digits.unet import UNet
from fundiff.judge.jury import Jury
from fundiff.pictures.curves import Panel
from fundiff.pipeline import workers
from fundiff.pipeline.params import Section
from fundiff.pipeline.runtime import detect
from fundiff.process.predictions import Process

KEPT = ("accuracy", "frechet", "coverage")


class CallsParams(Section):
    """Digits drawn by so many UNet calls, each number of calls a point of a curve."""

    seed: int
    guidance_scale: float = Field(ge=0, description="1 is no guidance")
    calls: list[PositiveInt] = Field(min_length=1, description="UNet calls, each a point of the curves")
    seeds: int = Field(ge=2, description="independent sets, for the spread")
    count: int = Field(ge=10, multiple_of=10, description="digits in a set, equally many of each")


class Trial:
    """Sets of asked-for digits, drawn as the params say and scored."""

    def __init__(self, params: CallsParams):
        self.runtime, self.params = detect(), params
        self.jury = Jury(params.seed, self.runtime)
        self.labels = self.jury.labels(params.count)

    def drawn(
        self, unet: UNet, process: Process, sampler: str, calls: int
    ) -> tuple[dict[str, float], list[Tensor]]:
        """The scores, mean and deviation over the seeds, and of the first set one sample of each digit.

        They are of the same noise whatever draws them.
        """
        mine = workers.share(len(self.labels))
        estimator = classed(unet, self.labels[mine], process, self.params.guidance_scale)
        sets = self.jury.sets(estimator, process, len(self.labels), self.params.seeds, sampler, calls)
        scores = self.jury.score(sets, self.labels)
        return {name: scores[name] for kept in KEPT for name in (kept, f"{kept}_std")}, list(sets[0][:10])

    def context(self) -> dict[str, Any]:
        """What the scores are to be read beside."""
        known, floor = self.jury.context(), self.jury.reference.balanced_floor(self.params.count)
        return {f"{name}_floor": floor[name] for name in ("frechet", "coverage")} | {
            name: known[name] for name in ("judge_accuracy", "judge_hash", "runtime")
        }


def panels(scores: dict[str, dict[str, dict[str, float]]], context: dict[str, Any]) -> list[Panel]:
    """Accuracy and Frechet distance against UNet calls; scores: curve -> calls -> the numbers of `Trial.drawn`."""

    def points(name: str) -> dict[str, list[tuple[float, float, float]]]:
        return {
            curve: [(int(calls), row[name], row[f"{name}_std"]) for calls, row in rows.items()]
            for curve, rows in scores.items()
        }

    return [
        Panel("accuracy", points("accuracy"), {"real digits": context["judge_accuracy"]}),
        Panel(
            "Frechet classifier distance",
            points("frechet"),
            {"real digits": context["frechet_floor"]},
            log=True,
        ),
    ]
