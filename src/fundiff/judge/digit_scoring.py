"""What the two sampling stages share: which samples are judged, the reference, and what is written of them."""

from typing import Any, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from fundiff.digits.data import Digits, load_digits
from fundiff.digits.networks import epoch_file, load_config, load_weights, sha256
from fundiff.digits.sampling import sample
from fundiff.judge.classifier import Judge, verdicts
from fundiff.judge.scores import Reference, bounds, judged, quantised, rounded
from fundiff.pictures.films import gif, thinned
from fundiff.pictures.grids import tile
from fundiff.pipeline import workers
from fundiff.pipeline.files import replacing, write_json
from fundiff.pipeline.noise import sample_generators
from fundiff.pipeline.params import Section
from fundiff.pipeline.progress import progress
from fundiff.pipeline.runtime import Runtime
from fundiff.process.predictions import Process
from fundiff.sampling.estimate import Estimator
from fundiff.sampling.loop import last

# euler for a network of objective flow, the others for eps, the first two for v
SamplerName = Literal["ancestral", "ddim", "dpm_solver", "euler"]


class Judged(Section):
    """How the samples that are scored are drawn."""

    seeds: int = Field(ge=1, description="independent sets, for the spread")
    sampler: SamplerName
    steps: int = Field(ge=1)


class SampleParams(Section):
    """Samples for a figure, and samples to score."""

    seed: int
    steps: int = Field(
        ge=1, description="of the figure's and animation's samples; the training's T is the course's"
    )
    judged: Judged


class Jury:
    """The judge with its held-out digits; asks for sample sets and scores them."""

    def __init__(self, seed: int, runtime: Runtime):
        weights = epoch_file("models/judge", load_config("models/judge")["epochs"])
        self.judge: Judge = load_weights(Judge(), weights).to(runtime.device)
        self.hash = sha256(weights)[:16]
        self.test: Digits = load_digits("data/mnist.npz", "test", runtime.device)
        self.train: Digits = load_digits("data/mnist.npz", "train", runtime.device)
        self.reference = Reference.of(self.judge, self.test, seed)
        self.seed, self.runtime = seed, runtime

    def labels(self, count: int) -> Tensor:
        """The digits that `count` samples are asked for: each as often as the others."""
        return (torch.arange(count) % 10).to(self.runtime.device)

    def sets(
        self, estimator: Estimator, process: Process, count: int, seeds: int, sampler: str, steps: int
    ) -> list[Tensor]:
        """One set of `count` samples a seed; the estimator is of this process's share of them."""
        sets, mine = [], workers.share(count)
        for i in range(seeds):
            generators = sample_generators(self.seed + i, count, "judged")[mine]
            frames = sample(estimator, process, generators, self.runtime, steps, sampler)
            what = f"judged samples, set {i + 1} of {seeds}"
            sets.append(quantised(workers.gathered(last(progress(frames, what, steps)), count)))
        return sets

    def score(self, sets: list[Tensor], labels: Tensor | None = None) -> dict[str, Any]:
        """The sets' scores."""
        return judged(self.judge, self.reference, self.train, sets, labels)

    def context(self) -> dict[str, Any]:
        """What every score is to be read beside."""
        right = verdicts(self.judge, self.test.images)[1] == self.test.labels.cpu()
        return bounds(self.judge, self.reference, self.test, self.train, self.seed) | {
            "judge_accuracy": right.double().mean().item(),
            "judge_hash": self.hash,
            "runtime": str(self.runtime),
        }


def keep(name: str, asked: Judged, sets: list[Tensor], labels: Tensor, scores: dict[str, Any]) -> None:
    """Write the judged samples and their scores; labels are the digits asked for, or seen where none were."""
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


def animate(path: str, frames: list[Tensor], columns: int) -> None:
    """Write the denoising of a sheet of digits as a GIF."""
    gif(path, [tile(frames[i], columns) for i in thinned(len(frames))])


def summary(scores: dict[float, dict[str, Any]], guidance_scale: float) -> dict[str, Any]:
    """The scores at the shown guidance, and beside them what each scale gives."""
    shown = dict(scores[guidance_scale])
    shown["accuracy"] = {
        "overall": shown["accuracy"],
        "per_digit": shown.pop("accuracy_per_digit"),
        "per_guidance": {f"{scale:g}": s["accuracy"] for scale, s in scores.items()},
    }
    for key in ("frechet", "coverage", "recall"):
        shown[f"{key}_per_guidance"] = {f"{scale:g}": s[key] for scale, s in scores.items()}
    return shown | {"guidance_scale": guidance_scale}
