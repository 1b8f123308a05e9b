"""kill -9 in the middle of a training, then `dvc repro`: the same bits as if nothing had happened."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
import yaml

from fundiff.pipeline.files import digest
from fundiff.pipeline.stage import target_of
from tests.commands import ENVIRONMENT
from tests.pipelines import copy_pipelines

TRAININGS = [
    "judge",
    "train_denoiser",
    "train_pure_noise",
    "train_time_unet",
    "train_class_unet",
    "train_flow",
]
FIXED = ENVIRONMENT | {"FUNDIFF_PRECISION": "fp32", "FUNDIFF_THREADS": "1"}


def dvc_repro(folder: Path, *arguments: str) -> subprocess.Popen:
    """`dvc repro` in its own process group, so that a kill also ends the stage."""
    command = ["dvc", "repro", *arguments]
    return subprocess.Popen(command, cwd=folder, env=FIXED, stdout=-3, stderr=-3, start_new_session=True)


def bits(folder: Path, name: str) -> dict[str, str]:
    """SHA-256 of every file that a training leaves."""
    paths = [*(folder / "models" / name.removeprefix("train_")).iterdir(), folder / f"metrics/{name}.csv"]
    return {path.name: digest(path) for path in paths}


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> tuple[Path, dict[str, dict[str, str]]]:
    """A project with tiny params in which every training has run undisturbed, and what each left."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("src", "stages"):
        shutil.copytree(name, folder / name)
    copy_pipelines(folder)
    params = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
    params["fetch_mnist"] |= {"train": 100, "validation": 20, "test": 20}
    for section in params.values():
        if "epochs" in section:
            section |= {"epochs": 6, "repeats": 2, "batch_size": 10}
            section |= {"hidden_size": 4, "snapshots": [1, 6]} if "snapshots" in section else {}
        if isinstance(section.get("timesteps"), int):
            section["timesteps"] = 20
    (folder / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    subprocess.run(["dvc", "init", "-q"], cwd=folder, env=FIXED, check=True)
    assert dvc_repro(folder, *map(target_of, TRAININGS)).wait() == 0
    return folder, {name: bits(folder, name) for name in TRAININGS}


@pytest.mark.slow
@pytest.mark.bits
@pytest.mark.parametrize("name", TRAININGS)
def test_kill_9_in_the_middle_then_the_same_bits(name, trained):
    folder, undisturbed = trained
    # As if it had never run; otherwise DVC would restore the finished training from its cache.
    again = ("--force", "--single-item", "--no-run-cache", target_of(name))
    process = dvc_repro(folder, *again)
    deadline = time.monotonic() + 120
    while not list(folder.glob(".checkpoints/*/state.pt")) and time.monotonic() < deadline:
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert list(folder.glob(".checkpoints/*/state.pt")), "killed before the first epoch or after the end"
    assert not (folder / "models" / name.removeprefix("train_")).exists(), "a half-written out"
    assert dvc_repro(folder, *again).wait() == 0
    assert bits(folder, name) == undisturbed[name]
    assert not list(folder.glob(".checkpoints/*"))
