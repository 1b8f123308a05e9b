"""Several processes work as one: the same loss, the same digits, files written once, and a kill changes no result."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
import torch
import yaml
from PIL import Image

from fundiff.digits.data import split
from fundiff.digits.networks import save_config, save_epoch
from fundiff.digits.sources import packaged
from fundiff.judge.classifier import Judge
from fundiff.pipeline import workers
from fundiff.pipeline.files import digest, write_json
from fundiff.pipeline.noise import seeded
from tests.commands import ENVIRONMENT, shell
from tests.pipelines import copy_pipelines

LEVELS = 2  # grey levels of 255: the effect of rounding after some steps of a sampler
FIXED = {
    name: os.environ.get(name, usual)
    for name, usual in {"FUNDIFF_PRECISION": "fp32", "FUNDIFF_THREADS": "1"}.items()
}
pytestmark = pytest.mark.bits
ALONE = ["env", *(f"{k}={v}" for k, v in FIXED.items()), "python", "-m"]
# Its own port, because other tests may be running. --multi_gpu starts several processes, on CPUs too.
TWO = [
    *ALONE[:-2],
    *["accelerate", "launch", "--multi_gpu", "--num_processes", "2", "--main_process_port", "0", "-m"],
]


def as_one_of(monkeypatch, rank: int, count: int) -> None:
    monkeypatch.setenv("WORLD_SIZE", str(count))
    monkeypatch.setenv("RANK", str(rank))


def test_alone_a_process_takes_and_writes_all(tmp_path):
    assert list(range(5))[workers.share(5)] == [0, 1, 2, 3, 4] and workers.weight(5) == 1
    x, model = torch.rand(3), torch.nn.Linear(1, 1)
    assert (
        workers.gathered(x, 3) is x
        and workers.mean_over_processes(x) is x
        and workers.data_parallel(model) is model
    )
    assert workers.leads() and workers.agreed("bf16") == "bf16"


@pytest.mark.parametrize(("rows", "count"), [(6, 2), (7, 2), (7, 3), (1, 2), (2, 3)])
def test_shares_are_all_rows_and_their_weighted_means_the_mean(rows, count, monkeypatch):
    values, taken, means = torch.rand(rows).double(), [], []
    for rank in range(count):
        as_one_of(monkeypatch, rank, count)
        mine, weight = workers.share(rows), workers.weight(rows)
        taken += torch.arange(rows)[mine].tolist() if weight else []
        means.append(weight * values[mine].mean())
    assert sorted(taken) == list(range(rows))
    assert torch.stack(means).mean() == pytest.approx(values.mean())


def test_only_the_first_leaves_files(tmp_path, monkeypatch):
    for rank in (1, 0):
        as_one_of(monkeypatch, rank, 2)
        write_json(tmp_path / "numbers.json", {"rank": rank})
        assert [path.name for path in tmp_path.iterdir()] == (["numbers.json"] if rank == 0 else [])


def project(folder: Path) -> Path:
    """A small class-conditioned training and its sampling; the processes' shares differ, and the last batch is one digit."""
    for name in ("src", "stages"):
        (folder / name).symlink_to(Path(name).resolve())
    copy_pipelines(folder)
    params = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
    params["train_class_unet"] |= {
        "epochs": 4, "repeats": 1, "batch_size": 20, "hidden_size": 8, "snapshots": [1], "timesteps": 20,
    }  # fmt: skip
    scored = {"seeds": 1, "sampler": "ddim", "steps": 3}
    params["sample_class_unet"] |= {"per_digit": 1, "steps": 5, "guidance_scales": [], "scored": scored}
    (folder / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    parts = split(*packaged()["all"], {"train": 201, "validation": 100, "test": 102}, 0)
    (folder / "data").mkdir()
    images = {f"{name}_images": part[0] for name, part in parts.items()}
    np.savez(
        folder / "data/mnist.npz", **images, **{f"{name}_labels": part[1] for name, part in parts.items()}
    )
    save_config(folder / "models/judge", {"epochs": 1})
    with seeded(0):
        save_epoch(folder / "models/judge", 1, Judge())
    return folder


def apart(one: np.ndarray, two: np.ndarray) -> int:
    """The largest difference of two pictures' grey levels, of 255."""
    return int(np.abs(one.astype(int) - two.astype(int)).max())


def left(folder: Path) -> dict[str, str]:
    """SHA-256 of all files below a folder except JSON files, which name the runtime."""
    paths = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".json"]
    return {path.relative_to(folder).as_posix(): digest(path) for path in sorted(paths)}


def numbers(folder: Path, stage: str) -> dict:
    """A stage's numbers without the entry `runtime`."""
    told = yaml.safe_load((folder / f"metrics/{stage}.json").read_text(encoding="utf-8"))
    return told | {"runtime": None}


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> tuple[Path, Path]:
    """The project trained by one process and by two."""
    folders = [project(tmp_path_factory.mktemp(name)) for name in ("one", "two")]
    for folder, launcher in zip(folders, (ALONE, TWO), strict=True):
        shell(folder, *launcher, "stages.train_class_unet")
    return folders[0], folders[1]


@pytest.mark.slow
def test_two_processes_reach_the_loss_of_one_and_leave_the_same_files(trained):
    one, two = trained
    first, second = numbers(one, "train_class_unet"), numbers(two, "train_class_unet")
    # The only difference is batch norm, which sees half batches.
    assert second["validation_loss"] == pytest.approx(first["validation_loss"], rel=0.02)
    assert second["train_loss"] == pytest.approx(first["train_loss"], rel=0.02)
    assert set(left(one)) == set(left(two))
    told = (two / "metrics/train_class_unet.json").read_text(encoding="utf-8")
    precision, threads = FIXED.values()
    assert f'"runtime": "cpu {precision}, {threads} threads, 2 processes"' in told


@pytest.mark.slow
def test_digits_sampled_by_two_processes_are_those_of_one(trained, tmp_path):
    one, two = (shutil.copytree(trained[0], tmp_path / name, symlinks=True) for name in ("one", "two"))
    for folder, launcher in ((one, ALONE), (two, TWO)):
        shell(folder, *launcher, "stages.sample_class_unet")
    assert set(left(one)) == set(left(two))
    # Half a batch may use another convolution kernel: the last bit of a number, so a grey level, may differ.
    samples = [np.load(folder / "data/samples/class_unet.npz") for folder in (one, two)]
    assert np.array_equal(samples[0]["labels"], samples[1]["labels"])
    assert apart(*(sample["images"] for sample in samples)) <= LEVELS
    for figure in (one / "report/figures/class_unet").glob("*.png"):
        assert apart(*(np.asarray(Image.open(f / figure.relative_to(one))) for f in (one, two))) <= LEVELS
    # A sample on a decision border may change sides. That is 1 of 51 samples, or 1 of a digit's 5 (0.2).
    first, second = (pd.json_normalize(numbers(f, "sample_class_unet")).iloc[0] for f in (one, two))
    assert list(first.index) == list(second.index)
    for name, value in first.items():
        near = 0.2 if "per_digit" in name else 0.02
        expected = pytest.approx(value, rel=1e-3, abs=near) if isinstance(value, float) else value
        assert second[name] == expected, name


@pytest.mark.slow
def test_kill_9_of_one_process_ends_both_and_the_next_run_goes_on_to_the_same_bits(trained, tmp_path):
    undisturbed, folder = trained[1], project(tmp_path)
    command = [*TWO, "stages.train_class_unet"]
    launcher = subprocess.Popen(command, cwd=folder, env=ENVIRONMENT, stdout=-3, stderr=-3)
    deadline = time.monotonic() + 120
    while not list(folder.glob(".checkpoints/*/state.pt")) and time.monotonic() < deadline:
        time.sleep(0.005)
    first = next(p for p in psutil.Process(launcher.pid).children() if p.environ().get("RANK") == "0")
    first.kill()
    assert launcher.wait(60) != 0
    assert list(folder.glob(".checkpoints/*/state.pt")), "killed before the first epoch or after the end"
    assert not (folder / "models/class_unet").exists(), "a half-written out"
    shell(folder, *command)
    assert left(folder) == left(undisturbed)
