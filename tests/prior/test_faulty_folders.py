"""Faulty folders of a prior: another class, other or missing weights, pickles. Each gives one line, and no code is run."""

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from fundiff.pipeline.errors import UserError
from fundiff.pipeline.runtime import Runtime
from fundiff.prior.hub import Model, pin
from fundiff.prior.pipelines import load_prior
from fundiff.prior.pixel_prior import load_pixel_prior
from fundiff.prior.prompts import load_encoder
from tests.tiny import make_if

CPU = Runtime("cpu", "fp32", 1)
OPTIONS = {"variant": None, "precision": "fp32", "offload": False, "stage_ii": None}
UNET, TEXT = "unet/diffusion_pytorch_model.safetensors", "text_encoder/model.safetensors"
UNET_CONFIG, SCHEDULER = "unet/config.json", "scheduler/scheduler_config.json"


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    return make_if(tmp_path_factory.mktemp("prior") / "if")


@pytest.fixture
def folder(whole, tmp_path) -> Path:
    return shutil.copytree(whole, tmp_path / "if")


def unet(folder: Path) -> None:
    load_pixel_prior(pin(Model(name=str(folder), **OPTIONS)), CPU)


def text(folder: Path) -> None:
    load_encoder(pin(Model(name=str(folder), **OPTIONS)), CPU)


def pipeline(folder: Path) -> None:
    load_prior(str(folder))


def written(path: str, content: str) -> Callable:
    return lambda folder: (folder / path).write_text(content)


def configured(path: str, **changes) -> Callable:
    def change(folder: Path) -> None:
        config = json.loads((folder / path).read_text()) | changes
        (folder / path).write_text(json.dumps({k: v for k, v in config.items() if v is not None}))

    return change


def weighed(change: Callable, path: str = UNET) -> Callable:
    """Change a weights file: `change` gets the weights and the alphabetically first name, which it drops or replaces."""

    def changed(folder: Path) -> None:
        weights = load_file(folder / path)
        change(weights, min(weights))
        save_file(weights, folder / path, metadata={"format": "pt"})

    return changed


def cut(path: str) -> Callable:
    return lambda folder: (folder / path).write_bytes((folder / path).read_bytes()[:1000])


def pickled(path: str, name: str) -> Callable:
    def change(folder: Path) -> None:
        torch.save(load_file(folder / path), (folder / path).with_name(name))
        (folder / path).unlink()

    return change


def swapped(folder: Path) -> None:
    """The text encoder's weights in the UNet's place."""
    shutil.copy(folder / TEXT, folder / UNET)


@pytest.mark.parametrize(
    ("change", "load", "said"),
    [
        (configured(UNET_CONFIG, _class_name=None), unet, "no class is no UNet of a pixel model"),
        (configured(UNET_CONFIG, _class_name=None), pipeline, "no class is no UNet of a pixel model"),
        (configured(UNET_CONFIG, _class_name="AutoencoderKL"), unet, "AutoencoderKL is no UNet of a pixel"),
        (configured(UNET_CONFIG, _class_name=["os", "system"]), unet, "is no UNet of a pixel model"),
        (configured(UNET_CONFIG, block_out_channels="many"), unet, "cannot be loaded"),
        (written(UNET_CONFIG, "[1]"), unet, "cannot be loaded"),
        (written(UNET_CONFIG, "{"), unet, "cannot be loaded"),
        (weighed(lambda w, k: w.pop(k)), unet, "its UNet lacks 1 weights, as add_embedding"),
        (weighed(lambda w, k: w.pop(k)), pipeline, "its UNet lacks 1 weights, as add_embedding"),
        (weighed(lambda w, k: w.update({k: torch.zeros(2, 5)})), unet, "cannot be loaded"),
        (cut(UNET), unet, "cannot be loaded"),
        (swapped, unet, "its UNet lacks"),
        (pickled(UNET, "diffusion_pytorch_model.bin"), unet, r"of weights, only \*.safetensors are loaded"),
        (pickled(TEXT, "pytorch_model.bin"), text, r"of weights, only \*.safetensors are loaded"),
        (pickled(TEXT, "pytorch_model.bin"), pipeline, r"of weights, only \*.safetensors are loaded"),
        (cut(TEXT), text, "cannot be loaded"),
        (weighed(lambda w, k: w.pop(k), TEXT), text, "its text encoder lacks 1 weights, as encoder"),
        (weighed(lambda w, k: w.pop(k), TEXT), pipeline, "its text encoder lacks 1 weights, as encoder"),
        (written("text_encoder/config.json", "{}"), text, "cannot be loaded"),
        (configured("model_index.json", _class_name=None), text, "cannot be loaded"),
        (configured("model_index.json", text_encoder=["os", "system"]), text, "os.system is no model of tra"),
        (
            configured("model_index.json", text_encoder=["transformers", "logging"]),
            text,
            "is no model of tra",
        ),
        (
            configured(SCHEDULER, prediction_type="whatever"),
            unet,
            "prediction_type 'whatever' is not supported",
        ),
        (configured(SCHEDULER, variance_type="fixed_small_log"), unet, "'fixed_small_log' is not supported"),
        (configured(SCHEDULER, num_train_timesteps="many"), unet, "cannot be loaded"),
        (configured(SCHEDULER, beta_schedule="steep"), unet, "cannot be loaded"),
        (lambda folder: (folder / UNET_CONFIG).unlink(), unet, r"has no unet/config\.json"),
    ],
)
def test_a_folder_that_is_no_prior_is_one_line(change, load, said, folder):
    change(folder)
    with pytest.raises(UserError, match=said) as error:
        load(folder)
    assert "\n" not in str(error.value) and len(str(error.value)) < 500


class Trap:
    """An object that writes a file if it is unpickled."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize(
    ("name", "load"),
    [
        ("unet/diffusion_pytorch_model.bin", unet),
        ("unet/diffusion_pytorch_model.bin", pipeline),
        ("text_encoder/pytorch_model.bin", text),
        ("text_encoder/pytorch_model.bin", pipeline),
    ],
)
def test_no_pickle_of_a_folder_is_ever_opened(name, load, folder, tmp_path):
    weights = next((folder / name).parent.glob("*.safetensors"))
    weights.unlink()
    (folder / name).write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    with pytest.raises(UserError):
        load(folder)
    assert not (tmp_path / "sprung").exists()
