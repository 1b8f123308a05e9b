"""Training of the Part B networks and the judge: a generator that yields every epoch and resumes after a kill."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

from fundiff.digits.data import Digits, augment
from fundiff.digits.objectives import Loss
from fundiff.digits.optimizers import Kind, optimizers
from fundiff.pipeline import workers
from fundiff.pipeline.errors import UserError
from fundiff.pipeline.files import load_checkpoint, save_checkpoint
from fundiff.pipeline.noise import generator, seeded
from fundiff.pipeline.params import Section
from fundiff.pipeline.progress import pace
from fundiff.pipeline.runtime import Runtime

# An untrained network has a loss of about 1 in all objectives here. A median far above that means divergence.
DIVERGED = 100.0


class Augmentation(Section):
    """Ranges of the random affine maps: degrees, relative size, pixels. All 0 means no augmentation."""

    rotate: float = Field(ge=0, le=45)
    scale: float = Field(ge=0, lt=1)
    shift: float = Field(ge=0, le=14)


class TrainingRecipe(Section):
    """How a network is trained: keys of every train_* section and of judge."""

    seed: int
    epochs: int = Field(ge=1)
    repeats: int = Field(ge=1, description="passes over the digits in one epoch")
    batch_size: int = Field(ge=1)
    optimizer: Kind
    learning_rate: float = Field(gt=0)
    decay: Literal["constant", "exponential", "cosine"]
    ema_decay: float = Field(ge=0, lt=1)
    augmentation: Augmentation


@dataclass(frozen=True)
class Epoch:
    """Numbers of one epoch; `model` is the moving average of the weights if ema_decay is above 0."""

    number: int
    train_loss: float
    validation_loss: float
    learning_rate: float
    model: nn.Module


def rate(recipe: TrainingRecipe, steps: int) -> Callable[[int], float]:
    """Step -> factor of the learning rate: constant, 0.1^(1/epochs) per epoch (course), or cosine with 5 % warm-up.

    steps: updates in one epoch.
    """
    total = recipe.epochs * steps

    def factor(step: int) -> float:
        if recipe.decay == "exponential":
            return 0.1 ** (step // steps / recipe.epochs)
        if recipe.decay == "cosine":
            warm = max(1, total // 20)
            return min((step + 1) / warm, 0.5 + 0.5 * math.cos(math.pi * step / total))
        return 1.0

    return factor


def warm_ema(decay: float, updates: Callable[[], int]) -> Callable[[Any, Any, Any], None]:
    """Moving average with decay min(decay, (1 + n) / (10 + n)) after n updates, so that the first weights fade fast.

    updates: returns n. torch's own counter is on the weights' device, and on a GPU each read would wait for it.
    """

    def average(ema: Any, current: Any, counter: Any) -> None:
        n = updates()
        get_ema_multi_avg_fn(min(decay, (1 + n) / (10 + n)))(ema, current, counter)

    return average


class Trainer:
    """The state of a training: model, optimizers, schedules, moving average, history. One checkpoint holds all of it."""

    def __init__(self, model: nn.Module, recipe: TrainingRecipe, steps: int, runtime: Runtime):
        self.model = runtime.place(model)
        self.network = workers.data_parallel(self.model)
        self.optimizers = optimizers(model, recipe.optimizer, recipe.learning_rate)
        self.schedulers = [LambdaLR(optimizer, rate(recipe, steps)) for optimizer in self.optimizers]
        average = warm_ema(recipe.ema_decay, lambda: int(self.ema.n_averaged) if self.ema else 0)
        # use_buffers: batch norm's running statistics are averaged too, so that they match the averaged weights.
        self.ema = AveragedModel(model, multi_avg_fn=average, use_buffers=True) if recipe.ema_decay else None
        if self.ema:  # read at every update; on a GPU each read would wait for all work before it
            self.ema.n_averaged = self.ema.n_averaged.cpu()
        self.history: list[dict[str, Any]] = []

    @property
    def learning_rate(self) -> float:
        """The learning rate of the next step; all optimizers have the same."""
        return float(self.schedulers[0].get_last_lr()[0])

    @property
    def best(self) -> nn.Module:
        """The model to sample from: the moving average if there is one."""
        return self.ema.module if self.ema else self.model

    def parts(self) -> dict[str, Any]:
        """Objects with a state_dict, by name."""
        parts: dict[str, Any] = {"model": self.model, "ema": self.ema}
        parts |= {f"optimizer {i}": optimizer for i, optimizer in enumerate(self.optimizers)}
        parts |= {f"scheduler {i}": scheduler for i, scheduler in enumerate(self.schedulers)}
        return {name: part for name, part in parts.items() if part is not None}

    def save(self, path: Path) -> None:
        """Write the state; called at the end of an epoch."""
        save_checkpoint(
            path, {n: p.state_dict() for n, p in self.parts().items()} | {"history": self.history}
        )

    def load(self, path: Path) -> None:
        """Restore the state at `path` if there is one."""
        state = load_checkpoint(path)
        if state is not None:
            for name, part in self.parts().items():
                part.load_state_dict(state[name])
            self.history = state["history"]

    def step(self, loss: Tensor) -> Tensor:
        """One update of the weights; returns the loss, detached."""
        self.network.zero_grad()
        loss.backward()
        for optimizer, scheduler in zip(self.optimizers, self.schedulers, strict=True):
            optimizer.step()
            scheduler.step()
        if self.ema:
            self.ema.update_parameters(self.model)
        return loss.detach()


def train(
    model: nn.Module,
    loss: Loss,
    validate: Callable[[nn.Module], float],
    digits: Digits,
    recipe: TrainingRecipe,
    runtime: Runtime,
    checkpoint: Path,
    name: str = "train",
) -> Iterator[Epoch]:
    """Yield every epoch. Epochs of an earlier, killed run come first, with their numbers but the newest model.

    loss: (model, images `[B, 1, 28, 28]`, labels `[B]`, generator, rows) -> scalar, the mean over the rows.
    validate: model -> held-out loss. Data order and noise are functions of (seed, epoch, step). Several processes share
    every batch and keep equal weights. Raises UserError if a loss is not finite or an epoch's median exceeds DIVERGED.
    """
    steps = recipe.repeats * math.ceil(len(digits) / recipe.batch_size)
    trainer = Trainer(model, recipe, steps, runtime)
    trainer.load(checkpoint)
    workers.wait()  # barrier: no process may overwrite the checkpoint before all have read it
    for row in trainer.history:
        yield Epoch(**row, model=trainer.best.eval())
    images, done = len(digits) * recipe.repeats, len(trainer.history)
    bar = tqdm(total=images * recipe.epochs, initial=images * done, **pace(name, " images"))
    for number in range(done + 1, recipe.epochs + 1):
        learning_rate = trainer.learning_rate
        # Dropout uses torch's global generator: seed it by (seed, epoch).
        with seeded(generator(recipe.seed, "layers", number).initial_seed()):
            train_loss = run_epoch(trainer, loss, digits, recipe, runtime, number, bar)
        with torch.no_grad(), runtime.autocast():
            validation_loss = validate(trainer.best.eval())
        row = dict(
            number=number, train_loss=train_loss, validation_loss=validation_loss, learning_rate=learning_rate
        )
        trainer.history.append(row)
        # Yield first: the caller writes its snapshot before the checkpoint counts the epoch as done.
        yield Epoch(**row, model=trainer.best)
        trainer.save(checkpoint)
    bar.close()


def batches(
    digits: Digits, recipe: TrainingRecipe, epoch: int
) -> Iterator[tuple[Tensor, Tensor, torch.Generator]]:
    """The epoch's batches: augmented images, labels, and the generator of the batch's noise."""
    for turn in range(recipe.repeats):
        order = torch.randperm(len(digits), generator=generator(recipe.seed, "order", epoch, turn))
        for step, index in enumerate(order.to(digits.images.device).split(recipe.batch_size)):
            g = generator(recipe.seed, "noise", epoch, turn, step)
            images, a = digits.images[index], recipe.augmentation
            if a.rotate or a.scale or a.shift:
                images = augment(images, a.rotate, a.scale, a.shift, g)
            yield images, digits.labels[index], g


def run_epoch(
    trainer: Trainer,
    loss: Loss,
    digits: Digits,
    recipe: TrainingRecipe,
    runtime: Runtime,
    number: int,
    bar: tqdm,
) -> float:
    """Train for one epoch and return its mean loss. Losses stay on the device: reading each would wait for a GPU."""
    trainer.network.train()
    losses = []
    for images, labels, g in batches(digits, recipe, number):
        mine, weight = workers.share(len(images)), workers.weight(len(images))
        with runtime.autocast():
            value = loss(trainer.network, images, labels, g, mine) * weight
        losses.append(trainer.step(value))
        if bar.update(len(images)):
            bar.set_postfix_str(
                f"epoch {number}/{recipe.epochs}, loss {losses[-1].item():.4f}", refresh=False
            )
    values = workers.mean_over_processes(torch.stack(losses)).cpu()
    bad = (~values.isfinite()).nonzero()
    if len(bad):
        at = f"epoch {number}, step {int(bad[0])}"
        raise UserError(
            f"the loss is not finite at {at}, learning rate {trainer.learning_rate:g}; lower learning_rate"
        )
    if (usual := float(values.median())) > DIVERGED:
        rate = f"learning rate {trainer.learning_rate:g}"
        raise UserError(
            f"training diverged: the loss is {usual:.3g} in epoch {number}, {rate}; lower learning_rate"
        )
    return float(values.double().mean())
