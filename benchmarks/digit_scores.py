"""How good digits are, so that a faster way to worse ones does not pass for faster."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor

from fundiff.digits.estimators import classed
from fundiff.digits.sampling import sample
from fundiff.judge.jury import Jury
from fundiff.judge.scores import quantised
from fundiff.pipeline.noise import sample_generators
from fundiff.pipeline.runtime import detect
from fundiff.process.predictions import Process
from fundiff.sampling.loop import last

SEED, GUIDANCE, COUNT, CALLS = 180, 5.0, 300, 25


@cache
def jury() -> Jury:
    """The pipeline's judge with its held-out digits."""
    return Jury(SEED, detect())


def judged(images: Tensor, labels: Tensor) -> dict[str, Any]:
    """The share of `[N, 1, 28, 28]` digits that the judge reads as asked for, and their Frechet distance."""
    scores = jury().score([quantised(images)], labels)
    return {"accuracy": scores["accuracy"], "frechet": scores["frechet"], "judged": len(images)}


def accuracy(unet: Any, process: Process) -> float:
    """Of 300 guided digits by DDIM, the same sampler for both sides' networks."""
    runtime = detect()
    labels = jury().labels(COUNT)
    estimator = classed(runtime.place(unet).eval(), labels, process, GUIDANCE)
    with torch.no_grad():
        frames = sample(estimator, process, sample_generators(SEED, COUNT), runtime, CALLS, "ddim")
        return judged(last(frames), labels)["accuracy"]
