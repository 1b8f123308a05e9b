"""Sample sets of digits scored by the judge: drawing the sets, their scores, and the files that the stages write."""

from typing import Any, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from fundiff.digits.data import Digits, load_digits
from fundiff.digits.networks import epoch_file, load_config, load_weights
from fundiff.digits.samples import sample
from fundiff.judge.classifier import Judge, verdicts
from fundiff.judge.scores import Reference, bounds, quantised, rounded, scores_of_sets
from fundiff.pipeline import workers
from fundiff.pipeline.files import digest, replacing, write_json
from fundiff.pipeline.noise import sample_generators
from fundiff.pipeline.params import Section
from fundiff.pipeline.progress import progress
from fundiff.pipeline.runtime import Runtime
from fundiff.process.predictions import Process
from fundiff.sampling.estimate import Estimator
from fundiff.sampling.loop import last

# Objective flow takes euler; eps takes the other three; v takes ancestral and ddim.
SamplerName = Literal["ancestral", "ddim", "dpm_solver", "euler"]


class ScoredSets(Section):
    """How the sample sets that are scored are drawn."""

    seeds: int = Field(ge=1, description="number of independent sets; scores are their mean and deviation")
    sampler: SamplerName
    steps: int = Field(ge=1, description="UNet calls of the sampler; at most the training's timesteps")


class SampleParams(Section):
    """Samples for a figure, and samples to score."""

    seed: int
    steps: int = Field(
        ge=1,
        description="sampling steps of the figure and the animation; the course takes all T of the training",
    )
    scored: ScoredSets


class DigitScoring:
    """The judge and the held-out digits: draws sets of samples and scores them."""

    def __init__(self, seed: int, runtime: Runtime):
        weights = epoch_file("models/judge", load_config("models/judge")["epochs"])
        self.judge: Judge = load_weights(Judge(), weights).to(runtime.device)
        self.hash = digest(weights)[:16]
        self.test: Digits = load_digits("data/mnist.npz", "test", runtime.device)
        self.train: Digits = load_digits("data/mnist.npz", "train", runtime.device)
        self.reference = Reference.of(self.judge, self.test, seed)
        self.seed, self.runtime = seed, runtime

    def labels(self, count: int) -> Tensor:
        """The classes `[count]` that the samples should show: 0 to 9 in turn."""
        return (torch.arange(count) % 10).to(self.runtime.device)

    def sets(
        self, estimator: Estimator, process: Process, count: int, seeds: int, sampler: str, steps: int
    ) -> list[Tensor]:
        """`seeds` sets of samples `[count, 1, 28, 28]` in [0, 1], each from noise of its own.

        The estimator takes the rows of this process alone (`workers.share(count)`); every process gets whole sets.
        """
        sets, mine = [], workers.share(count)
        for i in range(seeds):
            generators = sample_generators(self.seed + i, count, "judged")[mine]
            frames = sample(estimator, process, generators, self.runtime, steps, sampler)
            what = f"scored samples, set {i + 1} of {seeds}"
            sets.append(quantised(workers.gathered(last(progress(frames, what, steps)), count)))
        return sets

    def score(self, sets: list[Tensor], labels: Tensor | None = None) -> dict[str, Any]:
        """The sets' scores, as `fundiff.judge.scores.scores_of_sets` gives them."""
        return scores_of_sets(self.judge, self.reference, self.train, sets, labels)

    def reference_values(self) -> dict[str, Any]:
        """The bounds of every score, the judge's accuracy on held-out digits, and the hash of its weights."""
        right = verdicts(self.judge, self.test.images)[1] == self.test.labels.cpu()
        return bounds(self.judge, self.reference, self.test, self.train, self.seed) | {
            "judge_accuracy": right.double().mean().item(),
            "judge_hash": self.hash,
            "runtime": str(self.runtime),
        }


def write_samples(
    name: str, asked: ScoredSets, sets: list[Tensor], labels: Tensor, scores: dict[str, Any]
) -> None:
    """Write the sets to data/samples/NAME.npz and their scores to metrics/sample_NAME.json.

    labels: the class of every sample of all sets: the one asked for, or the judge's answer if none was asked for.
    """
    images = torch.cat(sets).squeeze(1).mul(255).round().byte().cpu().numpy()
    with replacing(f"data/samples/{name}.npz") as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, images=images, labels=labels.cpu().numpy().astype(np.int64))
    number = {
        "n": len(images),
        "n_per_distance": len(sets[0]),
        "seeds": asked.seeds,
        "sampler": f"{asked.sampler}, {asked.steps} steps",
    }
    write_json(f"metrics/sample_{name}.json", rounded(scores | number))


def summary(scores: dict[float, dict[str, Any]], guidance_scale: float) -> dict[str, Any]:
    """The scores at `guidance_scale`, and accuracy, distance, coverage and recall at every scale of `scores`."""
    chosen = dict(scores[guidance_scale])
    chosen["accuracy"] = {
        "overall": chosen["accuracy"],
        "per_digit": chosen.pop("accuracy_per_digit"),
        "per_guidance": {f"{scale:g}": s["accuracy"] for scale, s in scores.items()},
    }
    for key in ("frechet", "coverage", "recall"):
        chosen[f"{key}_per_guidance"] = {f"{scale:g}": s[key] for scale, s in scores.items()}
    return chosen | {"guidance_scale": guidance_scale}
