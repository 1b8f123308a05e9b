"""Training stages of Part B and the judge: their params, checkpoints, kept networks and loss curves."""

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, PositiveInt, ValidationInfo, field_validator
from torch import nn

from fundiff.digits.data import Digits, load_digits
from fundiff.digits.networks import epoch_file, process_of, save_config, save_epoch, unet_of
from fundiff.digits.objectives import Loss, held_out_prediction, prediction
from fundiff.digits.snapshots import kept_epochs
from fundiff.digits.training import TrainingRecipe, train
from fundiff.pipeline import workers
from fundiff.pipeline.files import forget, replacing, write_json
from fundiff.pipeline.noise import seeded
from fundiff.pipeline.runtime import Runtime, prepare_runtime
from fundiff.pipeline.stage import entry_of

CLASSES = 10
CURVE = ("train_loss", "validation_loss", "learning_rate")  # columns of metrics/STAGE.csv beside epoch


class TrainParams(TrainingRecipe):
    """Params of a UNet's training."""

    hidden_size: int = Field(ge=1, description="the course's D")
    snapshots: list[PositiveInt] = Field(
        description="epochs whose weights are kept; the last one is always kept, and later ones are ignored"
    )


def state_folder(stage: str, params: TrainingRecipe, runtime: Runtime) -> Path:
    """Folder of a training's checkpoint, for this training alone: its name hashes params, runtime, and the stage's deps."""
    key = hashlib.sha256(f"{params.model_dump_json()} {runtime}".encode())
    for dep in map(Path, entry_of(stage)["deps"]):
        for path in sorted(dep.rglob("*.py")) if dep.is_dir() else [dep]:
            key.update(path.read_bytes())
    return Path(".checkpoints") / f"{stage}-{key.hexdigest()[:16]}"


def publish(network: Path, stage: str, rows: list[dict[str, Any]]) -> None:
    """Write a training's outs: the kept networks to models/, the loss curve to metrics/STAGE.csv."""
    import pandas as pd

    with replacing(f"models/{stage.removeprefix('train_')}") as temporary:
        # A killed run may have left a half-written file, whose name begins with a dot.
        shutil.copytree(network, temporary, ignore=shutil.ignore_patterns(".*"))
    with replacing(f"metrics/{stage}.csv") as temporary:
        pd.DataFrame(rows).to_csv(temporary, index=False, float_format="%.6g", lineterminator="\n")


@contextmanager
def fitted(
    stage: str,
    model: nn.Module,
    loss: Loss,
    validate,
    digits: Digits,
    params: TrainingRecipe,
    config: dict[str, Any],
) -> Iterator[dict[str, Any]]:
    """Train `model`, write its networks and loss curve, and yield its numbers for metrics/STAGE.json.

    loss, validate: as in `fundiff.digits.training.train`. config: what a sampling stage needs to rebuild the network.
    The caller's block writes the stage's other outs. The checkpoint is deleted only after the block.
    """
    runtime = prepare_runtime()
    state = state_folder(stage, params, runtime)
    network = state / "network"
    kept = kept_epochs(getattr(params, "snapshots", []), params.epochs)
    rows = []
    for epoch in train(model, loss, validate, digits, params, runtime, state / "state.pt", stage):
        if epoch.number in kept and not epoch_file(network, epoch.number).exists():
            save_epoch(network, epoch.number, epoch.model)
        rows.append({"epoch": epoch.number} | {name: getattr(epoch, name) for name in CURVE})
    if workers.leads():
        save_config(network, {"epochs": params.epochs, "snapshots": kept} | config)
        publish(network, stage, rows)
    workers.wait()  # some stages go on with what was just written
    yield {
        "train_loss": round(rows[-1]["train_loss"], 6),
        "validation_loss": round(rows[-1]["validation_loss"], 6),
        "parameters": sum(p.numel() for p in model.parameters()),
        "digits": len(digits),
        "runtime": str(runtime),
    }
    workers.wait()
    if workers.leads():
        forget(state)


class DiffusionParams(TrainParams):
    """Params of a time-conditioned training: objective and schedule."""

    objective: Literal["eps", "v", "flow"] = Field(
        description="what the network predicts: the noise (the course, DDPM), v, or the velocity of flow matching"
    )
    zero_terminal_snr: bool = Field(description="rescale the schedule so that abar_T = 0: x_T is pure noise")
    timesteps: int = Field(ge=2)
    beta_start: float = Field(gt=0, lt=1)
    beta_end: float = Field(gt=0, lt=1)

    @field_validator("beta_end")
    @classmethod
    def rises(cls, value: float, info: ValidationInfo) -> float:
        """The schedule rises: beta_end is at least beta_start."""
        if value < info.data.get("beta_start", 0):
            raise ValueError(f"at least beta_start, {info.data['beta_start']:g}")
        return value

    @field_validator("zero_terminal_snr")
    @classmethod
    def only_with_v(cls, value: bool, info: ValidationInfo) -> bool:
        """At abar_T = 0 eps does not determine x_0, so only v can be predicted. Flow reaches pure noise without this."""
        if value and info.data.get("objective") != "v":
            raise ValueError("false, unless objective is v")
        return value

    def config(self) -> dict[str, Any]:
        """What a sampling stage needs to rebuild the network; the objective is left out if it is eps."""
        known = self.model_dump(include={"hidden_size", "timesteps", "beta_start", "beta_end"})
        other = {"objective", "zero_terminal_snr"} if self.objective != "eps" else set()
        return known | {"time": True} | self.model_dump(include=other)


class ClassParams(DiffusionParams):
    """Params of a class-conditioned training."""

    class_drop: float = Field(
        ge=0,
        lt=1,
        description="probability that a digit's class is dropped, which trains the unconditional branch",
    )

    def config(self) -> dict[str, Any]:
        """Also the number of classes, and `unconditional` = False if no class was ever dropped."""
        known = super().config() | {"classes": CLASSES}
        return known if self.class_drop else known | {"unconditional": False}


def train_conditioned(stage: str, params: DiffusionParams, class_drop: float = 0.0) -> None:
    """Run a training stage of course B2; the network is class-conditioned if the params are ClassParams."""
    device, config = prepare_runtime().device, params.config()
    train, validation = (load_digits("data/mnist.npz", split, device) for split in ("train", "validation"))
    process, classes = process_of(config), config.get("classes", 0)
    with seeded(params.seed):
        unet = unet_of(config)
    validate = held_out_prediction(validation, process, classes, params.seed)
    loss = prediction(process, classes, class_drop)
    with fitted(stage, unet, loss, validate, train, params, config) as numbers:
        write_json(f"metrics/{stage}.json", numbers)
