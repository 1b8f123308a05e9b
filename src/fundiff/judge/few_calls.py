"""Scores of digits against the number of UNet calls, for stages digit_samplers and compare_objectives."""

from typing import Any

from pydantic import Field, PositiveInt
from torch import Tensor

from fundiff.digits.estimators import classed
from fundiff.digits.unet import UNet
from fundiff.judge.digit_scoring import DigitScoring
from fundiff.pictures.curves import Panel
from fundiff.pipeline import workers
from fundiff.pipeline.params import Section
from fundiff.pipeline.runtime import prepare_runtime
from fundiff.process.predictions import Process

SCORES = ("accuracy", "frechet", "coverage")


class CallsParams(Section):
    """Sets of digits sampled with several numbers of UNet calls."""

    seed: int
    guidance_scale: float = Field(ge=0, description="1 is no guidance")
    calls: list[PositiveInt] = Field(
        min_length=1, description="numbers of UNet calls; each is a point of the curves"
    )
    seeds: int = Field(ge=2, description="number of independent sets; scores are their mean and deviation")
    count: int = Field(ge=10, multiple_of=10, description="digits in a set, equally many of each")


class Trial:
    """Samples and scores sets of digits as the params say; the classes 0 to 9 follow each other in a set."""

    def __init__(self, params: CallsParams):
        self.runtime, self.params = prepare_runtime(), params
        self.scoring = DigitScoring(params.seed, self.runtime)
        self.labels = self.scoring.labels(params.count)

    def measure(
        self, unet: UNet, process: Process, sampler: str, calls: int
    ) -> tuple[dict[str, float], list[Tensor]]:
        """Scores (mean and deviation over the seeds), and of the first set one sample `[1, 28, 28]` of each digit.

        Every network, sampler and number of calls starts from the same noise.
        """
        mine = workers.share(len(self.labels))
        estimator = classed(unet, self.labels[mine], process, self.params.guidance_scale)
        sets = self.scoring.sets(estimator, process, len(self.labels), self.params.seeds, sampler, calls)
        scores = self.scoring.score(sets, self.labels)
        return {name: scores[name] for score in SCORES for name in (score, f"{score}_std")}, list(
            sets[0][:10]
        )

    def reference_values(self) -> dict[str, Any]:
        """Values to compare the scores with: those of as many real digits (the floor), and the judge's accuracy and hash."""
        values, floor = (
            self.scoring.reference_values(),
            self.scoring.reference.balanced_floor(self.params.count),
        )
        return {f"{name}_floor": floor[name] for name in ("frechet", "coverage")} | {
            name: values[name] for name in ("judge_accuracy", "judge_hash", "runtime")
        }


def panels(scores: dict[str, dict[str, dict[str, float]]], reference: dict[str, Any]) -> list[Panel]:
    """Accuracy and Frechet distance against UNet calls; scores: curve -> calls -> the numbers of `Trial.measure`."""

    def points(name: str) -> dict[str, list[tuple[float, float, float]]]:
        return {
            curve: [(int(calls), row[name], row[f"{name}_std"]) for calls, row in rows.items()]
            for curve, rows in scores.items()
        }

    return [
        Panel("accuracy", points("accuracy"), {"real digits": reference["judge_accuracy"]}, share=True),
        Panel(
            "Frechet classifier distance",
            points("frechet"),
            {"real digits": reference["frechet_floor"]},
            log=True,
        ),
    ]
