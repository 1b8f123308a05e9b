"""Training of the Part B networks: one generator that yields after every epoch and goes on after a kill."""

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
from fundiff.pipeline import workers
from fundiff.pipeline.errors import UserError
from fundiff.pipeline.files import load_checkpoint, save_checkpoint
from fundiff.pipeline.noise import generator, seeded
from fundiff.pipeline.params import Section
from fundiff.pipeline.progress import pace
from fundiff.pipeline.runtime import Runtime

# Every loss here is about 1 for a network that knows nothing; most of an epoch far above that is no training.
DIVERGED = 100.0


class Augmentation(Section):
    """Degrees, relative size and pixels by which digits vary; all 0 is off."""

    rotate: float = Field(ge=0, le=45)
    scale: float = Field(ge=0, lt=1)
    shift: float = Field(ge=0, le=14)


class TrainingRecipe(Section):
    """How a network is trained; the same keys in every train_* section."""

    seed: int
    epochs: int = Field(ge=1)
    repeats: int = Field(ge=1, description="passes over the digits that make one epoch")
    batch_size: int = Field(ge=1)
    learning_rate: float = Field(gt=0)
    decay: Literal["constant", "exponential", "cosine"]
    ema_decay: float = Field(ge=0, lt=1)
    augmentation: Augmentation


@dataclass(frozen=True)
class Epoch:
    """What one epoch came to; `model` is the averaged one where EMA is on."""

    number: int
    train_loss: float
    validation_loss: float
    learning_rate: float
    model: nn.Module


def rate(recipe: TrainingRecipe, steps: int) -> Callable[[int], float]:
    """The learning rate's factor by step: 0.1^(1/epochs) per epoch (course), or a cosine after a 5 % warm-up."""
    total = recipe.epochs * steps

    def factor(step: int) -> float:
        if recipe.decay == "exponential":
            return 0.1 ** (step // steps / recipe.epochs)
        if recipe.decay == "cosine":
            warm = max(1, total // 20)
            return min((step + 1) / warm, 0.5 + 0.5 * math.cos(math.pi * step / total))
        return 1.0

    return factor


def warm_ema(decay: float) -> Callable[[Any, Any, Any], None]:
    """An average that forgets its first, untrained weights: after n updates the decay is at most (1 + n) / (10 + n)."""

    def average(ema: Any, current: Any, n: Any) -> None:
        get_ema_multi_avg_fn(min(decay, (1 + int(n)) / (10 + int(n))))(ema, current, n)

    return average


class Trainer:
    """All that a training has to remember, saved and loaded as one checkpoint."""

    def __init__(self, model: nn.Module, recipe: TrainingRecipe, steps: int, runtime: Runtime):
        self.model = runtime.place(model)
        self.network = workers.data_parallel(self.model)
        self.optimizer = torch.optim.Adam(model.parameters(), lr=recipe.learning_rate, fused=True)
        self.scheduler = LambdaLR(self.optimizer, rate(recipe, steps))
        average = warm_ema(recipe.ema_decay)
        # Batch norm's statistics are averaged with the weights, else they belong to other weights.
        self.ema = AveragedModel(model, multi_avg_fn=average, use_buffers=True) if recipe.ema_decay else None
        self.history: list[dict[str, Any]] = []

    @property
    def best(self) -> nn.Module:
        """The model to sample from."""
        return self.ema.module if self.ema else self.model

    def parts(self) -> dict[str, Any]:
        """Everything that has a state."""
        parts = {
            "model": self.model,
            "optimizer": self.optimizer,
            "scheduler": self.scheduler,
            "ema": self.ema,
        }
        return {name: part for name, part in parts.items() if part is not None}

    def save(self, path: Path) -> None:
        """Write the whole state, at the end of an epoch."""
        save_checkpoint(
            path, {n: p.state_dict() for n, p in self.parts().items()} | {"history": self.history}
        )

    def load(self, path: Path) -> None:
        """Go on from the state at `path` where there is one."""
        state = load_checkpoint(path)
        if state is not None:
            for name, part in self.parts().items():
                part.load_state_dict(state[name])
            self.history = state["history"]

    def step(self, loss: Tensor) -> Tensor:
        """One update; returns the loss without its graph."""
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.scheduler.step()
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
    """Yield every epoch, also those that a killed run had behind it (their losses; the model is the newest).

    loss: (model, images `[B, 1, 28, 28]`, labels `[B]`, generator, rows) -> scalar, the mean over the rows. Data order
    and noise are functions of (seed, epoch, step). Several processes share every batch and stay of the same weights.
    Raises UserError when the loss stops being finite, or is absurd for most of an epoch.
    """
    steps = recipe.repeats * math.ceil(len(digits) / recipe.batch_size)
    trainer = Trainer(model, recipe, steps, runtime)
    trainer.load(checkpoint)
    workers.wait()  # else one that is late could find what a quick one has made of the state since
    for row in trainer.history:
        yield Epoch(**row, model=trainer.best.eval())
    images, done = len(digits) * recipe.repeats, len(trainer.history)
    bar = tqdm(total=images * recipe.epochs, initial=images * done, **pace(name, " images"))
    for number in range(done + 1, recipe.epochs + 1):
        learning_rate = float(trainer.scheduler.get_last_lr()[0])
        # Layers that draw for themselves (dropout) draw as a function of (seed, epoch) too.
        with seeded(generator(recipe.seed, "layers", number).initial_seed()):
            train_loss = run_epoch(trainer, loss, digits, recipe, runtime, number, bar)
        with torch.no_grad(), runtime.autocast():
            validation_loss = validate(trainer.best.eval())
        row = dict(
            number=number, train_loss=train_loss, validation_loss=validation_loss, learning_rate=learning_rate
        )
        trainer.history.append(row)
        # The caller keeps what it wants of this epoch before the checkpoint says that the epoch is done.
        yield Epoch(**row, model=trainer.best)
        trainer.save(checkpoint)
    bar.close()


def batches(
    digits: Digits, recipe: TrainingRecipe, epoch: int
) -> Iterator[tuple[Tensor, Tensor, torch.Generator]]:
    """The epoch's batches, augmented, each with the generator of its noise."""
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
    """One epoch of updates; its mean loss. The device is not waited for inside it."""
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
            f"the loss is not finite at {at}, learning rate {trainer.scheduler.get_last_lr()[0]:g}; lower learning_rate"
        )
    if (usual := float(values.median())) > DIVERGED:
        rate = f"learning rate {trainer.scheduler.get_last_lr()[0]:g}"
        raise UserError(
            f"training diverged: the loss is {usual:.3g} in epoch {number}, {rate}; lower learning_rate"
        )
    return float(values.double().mean())
