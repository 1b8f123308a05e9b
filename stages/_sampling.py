"""What the two sampling stages share: which samples are judged, the reference, and what is written of them."""

from typing import Any, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from fundiff.denoise import Estimator
from fundiff.digits import Digits, load_digits
from fundiff.errors import UserError
from fundiff.figures import gif, thinned, tile
from fundiff.files import replacing, write_json
from fundiff.judge import Judge, verdicts
from fundiff.networks import epoch_file, load_config, load_weights, sha256
from fundiff.params import Section
from fundiff.processes import Process
from fundiff.randomness import sample_generators
from fundiff.runtime import Runtime
from fundiff.sampling import last, quantised, sample
from fundiff.scores import Reference, bounds, judged, rounded


class Judged(Section):
    seeds: int = Field(ge=1, description="independent sets, for the spread")
    sampler: Literal["ancestral", "ddim", "dpm_solver", "euler"] = Field(
        description="euler for a network of objective flow, the others for eps (v: the first two)"
    )
    steps: int = Field(ge=1)


class SampleParams(Section):
    seed: int
    steps: int = Field(
        ge=1, description="of the figure's and animation's samples; the training's T is the course's"
    )
    judged: Judged


class Jury:
    """The judge with its held-out digits; asks for sample sets and scores them."""

    def __init__(self, params: SampleParams, runtime: Runtime):
        weights = epoch_file("models/judge", load_config("models/judge")["epochs"])
        self.judge: Judge = load_weights(Judge(), weights).to(runtime.device)
        self.hash = sha256(weights)[:16]
        self.test: Digits = load_digits("data/mnist.npz", "test", runtime.device)
        self.train: Digits = load_digits("data/mnist.npz", "train", runtime.device)
        self.reference = Reference.of(self.judge, self.test, params.seed)
        self.labels = (torch.arange(self.reference.size) % 10).to(runtime.device)
        self.params, self.runtime = params, runtime

    def sets(self, estimator: Estimator, process: Process) -> list[Tensor]:
        """One set of samples a seed, as large as the reference."""
        judged = self.params.judged
        seeds = range(self.params.seed, self.params.seed + judged.seeds)
        return [
            quantised(
                last(
                    sample(
                        estimator,
                        process,
                        sample_generators(seed, self.reference.size, "judged"),
                        self.runtime,
                        judged.steps,
                        judged.sampler,
                    )
                )
            )
            for seed in seeds
        ]

    def score(self, sets: list[Tensor], labels: Tensor | None = None) -> dict[str, Any]:
        """The sets' scores."""
        return judged(self.judge, self.reference, self.train, sets, labels)

    def context(self) -> dict[str, Any]:
        """What every score is to be read beside."""
        right = verdicts(self.judge, self.test.images)[1] == self.test.labels.cpu()
        return bounds(self.judge, self.reference, self.test, self.train, self.params.seed) | {
            "n": self.reference.size * self.params.judged.seeds,
            "n_per_distance": self.reference.size,
            "seeds": self.params.judged.seeds,
            "sampler": f"{self.params.judged.sampler}, {self.params.judged.steps} steps",
            "judge_accuracy": right.double().mean().item(),
            "judge_hash": self.hash,
            "runtime": str(self.runtime),
        }


def keep(name: str, sets: list[Tensor], labels: Tensor, scores: dict[str, Any]) -> None:
    """Write the judged samples and their scores; labels are the digits asked for, or seen where none were."""
    images = torch.cat(sets).squeeze(1).mul(255).round().byte().cpu().numpy()
    with replacing(f"data/samples/{name}.npz") as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, images=images, labels=labels.cpu().numpy().astype(np.int64))
    write_json(f"metrics/sample_{name}.json", rounded(scores))


def figure_steps(params: SampleParams, config: dict[str, Any]) -> int:
    """The figure's number of steps, which the schedule must have."""
    if params.steps > config["timesteps"]:
        raise UserError(
            f"params.yaml: steps is {params.steps}; the network was trained on {config['timesteps']}"
        )
    return params.steps


def animate(path: str, frames: list[Tensor], columns: int) -> None:
    """Write the denoising of a sheet of digits as a GIF."""
    gif(path, [tile(frames[i], columns) for i in thinned(len(frames), 40)])
