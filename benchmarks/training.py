"""Training throughput of the notebook and of FunDiff; `benchmarks.libraries` has other libraries."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import islice

import numpy as np
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from tqdm import tqdm

from benchmarks import notebook
from benchmarks.turn import Play, Turn, amount, timed
from fundiff.digits.data import Digits, split
from fundiff.digits.objectives import prediction
from fundiff.digits.sources import packaged
from fundiff.digits.training import Augmentation, Trainer, TrainingRecipe, run_epoch
from fundiff.digits.unet import UNet
from fundiff.pipeline.noise import seeded
from fundiff.pipeline.runtime import Runtime, prepare_runtime
from fundiff.process.paths import VariancePreserving
from fundiff.process.predictions import EpsPrediction

SEED = 180
Steps = Callable[[int], int]  # number of training steps to take -> number of images they took


@cache
def arrays(part: str) -> tuple[np.ndarray, np.ndarray]:
    """uint8 `[N, 28, 28]` and labels of the packaged digits: 3,500 for "train", 500 for "validation"."""
    return split(*packaged()["all"], {"validation": 500, "test": 1000, "train": 0}, seed=0)[part]


def digits(part: str, device: str, count: int | None = None) -> Digits:
    """The first `count` of these digits (None: all) as `Digits`."""
    images, labels = (torch.from_numpy(a[:count]).to(device) for a in arrays(part))
    return Digits(images.float().div(255).unsqueeze(1), labels)


def course_process() -> EpsPrediction:
    """The course's path, with eps as the prediction."""
    return EpsPrediction(VariancePreserving.linear_betas(notebook.T, 1e-4, 0.02))


def class_unet(hidden: int) -> UNet:
    """The class-conditioned UNet, with the same initial weights for both sides."""
    with seeded(SEED):
        return UNet(hidden, time=True, classes=notebook.CLASSES)


def fundiff_steps(unet: UNet, batch_size: int, runtime: Runtime) -> Steps:
    """FunDiff's training, as its stages run it."""
    off = Augmentation(rotate=0, scale=0, shift=0)
    recipe = TrainingRecipe(
        seed=SEED, epochs=20, repeats=1, batch_size=batch_size, optimizer="muon", learning_rate=8e-3,
        decay="cosine", ema_decay=0.995, augmentation=off,
    )  # fmt: skip
    trainer, loss = Trainer(unet, recipe, 1000, runtime), prediction(course_process(), notebook.CLASSES, 0.1)
    held = digits("train", runtime.device)

    def steps(count: int) -> int:
        many = (torch.arange(count * batch_size) % len(held)).to(runtime.device)
        part = Digits(held.images[many], held.labels[many])
        run_epoch(trainer, loss, part, recipe, runtime, 1, tqdm(disable=True))
        return len(part)

    return steps


def throughput(steps: Steps, network: nn.Module, batches: int, device: str) -> Play:
    """Images per second over `batches` steps per turn; details: the network's parameters and GFLOP per image."""
    steps(1)
    with FlopCounterMode(display=False) as counter:
        images = steps(1)
    details = {
        "parameters": sum(p.numel() for p in network.parameters()),
        "gflop_per_image": counter.get_total_flops() / images / 1e9,
    }

    def play(rival: Turn | None) -> Turn:
        seconds, images = timed(lambda: steps(amount(batches, device)), device)
        return Turn(images / seconds, details)

    return play


def notebook_throughput(hidden: int, batches: int) -> Play:
    """The notebook's training."""
    device, unet = prepare_runtime().device, class_unet(hidden)
    unet.to(device)
    endless = notebook.train(unet, *arrays("train"), 10**6, device)
    return throughput(lambda count: sum(islice(endless, count)), unet, batches, device)


def fundiff_throughput(hidden: int, batches: int) -> Play:
    """FunDiff's training of the same network in batches of the same size."""
    runtime, unet = prepare_runtime(), class_unet(hidden)
    return throughput(fundiff_steps(unet, notebook.BATCH, runtime), unet, batches, runtime.device)
