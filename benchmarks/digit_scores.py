"""Scores of the digits that a benchmark samples: a time means little without the quality of the samples."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor

from fundiff.digits.estimators import classed
from fundiff.digits.samples import sample
from fundiff.judge.digit_scoring import DigitScoring
from fundiff.judge.scores import quantised
from fundiff.pipeline.noise import sample_generators
from fundiff.pipeline.runtime import prepare_runtime
from fundiff.process.predictions import Process
from fundiff.sampling.loop import last

SEED, GUIDANCE, COUNT, CALLS = 180, 5.0, 300, 25


@cache
def scoring() -> DigitScoring:
    """The pipeline's judge and held-out digits."""
    return DigitScoring(SEED, prepare_runtime())


def digit_scores(images: Tensor, labels: Tensor) -> dict[str, Any]:
    """The share of `[N, 1, 28, 28]` digits in which the judge sees the class asked for, and their Frechet distance."""
    scores = scoring().score([quantised(images)], labels)
    return {"accuracy": scores["accuracy"], "frechet": scores["frechet"], "judged": len(images)}


def accuracy(unet: Any, process: Process) -> float:
    """The judge's accuracy on 300 guided digits by DDIM; both sides' networks are sampled the same way."""
    runtime = prepare_runtime()
    labels = scoring().labels(COUNT)
    estimator = classed(runtime.place(unet).eval(), labels, process, GUIDANCE)
    with torch.no_grad():
        frames = sample(estimator, process, sample_generators(SEED, COUNT), runtime, CALLS, "ddim")
        return digit_scores(last(frames), labels)["accuracy"]
