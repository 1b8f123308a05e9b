"""Trained networks on disk: a folder with config.json and one safetensors file per kept epoch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeVar

import safetensors
from safetensors.torch import load_file, save_file
from torch import nn

from fundiff.digits.unet import UNet
from fundiff.pipeline.errors import UserError
from fundiff.pipeline.files import replacing, write_json
from fundiff.process.paths import Linear, VariancePreserving
from fundiff.process.predictions import EpsPrediction, Process, VelocityPrediction

M = TypeVar("M", bound=nn.Module)


def epoch_file(folder: str | Path, epoch: int) -> Path:
    """The file of the weights after `epoch`."""
    return Path(folder) / f"epoch_{epoch:03d}.safetensors"


def save_epoch(folder: str | Path, epoch: int, model: nn.Module) -> None:
    """Write the weights after `epoch`."""
    with replacing(epoch_file(folder, epoch)) as temporary:
        save_file({k: v.contiguous().cpu() for k, v in model.state_dict().items()}, temporary)


def save_config(folder: str | Path, config: dict[str, Any]) -> None:
    """Write what is needed to rebuild the network."""
    write_json(Path(folder) / "config.json", config)


def load_config(folder: str | Path) -> dict[str, Any]:
    """The network's config. Raises UserError if it is missing or unreadable."""
    path = Path(folder) / "config.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise UserError(f"{path}: missing or not JSON; `dvc repro` makes it") from None


def load_weights(model: M, path: Path) -> M:
    """`model` with the weights of `path`, in eval mode. Raises UserError for other sizes or a broken file."""
    try:
        model.load_state_dict(load_file(path))
    except FileNotFoundError:
        kept = ", ".join(sorted(p.stem for p in path.parent.glob("epoch_*.safetensors"))) or "none"
        raise UserError(
            f"{path}: no such checkpoint; kept are {kept} (see `snapshots` in its params)"
        ) from None
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        raise UserError(f"{path}: weights of other sizes than the config says: {reason}") from None
    except (safetensors.SafetensorError, OSError) as error:
        raise UserError(f"{path}: not a readable checkpoint ({type(error).__name__})") from None
    return model.eval()


def unet_of(config: dict[str, Any]) -> UNet:
    """The Part B UNet that a config describes, untrained."""
    time, classes = config.get("time", False), config.get("classes", 0)
    return UNet(
        config["hidden_size"],
        time,
        classes,
        multiplied=config.get("objective") == "flow",
        unconditional=config.get("unconditional", True),
    )


def load_unet(folder: str | Path, epoch: int | None = None) -> tuple[UNet, dict[str, Any]]:
    """The Part B UNet after `epoch` (None: the last one) and its config."""
    config = load_config(folder)
    return load_weights(unet_of(config), epoch_file(folder, epoch or config["epochs"])), config


def process_of(config: dict[str, Any]) -> Process:
    """The path and the prediction of a conditioned network; a config without an objective means eps (course B2)."""
    objective = config.get("objective", "eps")
    if objective == "flow":
        return VelocityPrediction(Linear(config["timesteps"]))
    path = VariancePreserving.linear_betas(config["timesteps"], config["beta_start"], config["beta_end"])
    if config.get("zero_terminal_snr"):
        path = path.zero_terminal_snr()
    return VelocityPrediction(path) if objective == "v" else EpsPrediction(path)
