"""Training of the shipped prior. A killed run continues bit by bit the same on the same kind of processor.

Progress is counted in images. Pictures, timesteps, noise and dropped prompts are functions of (seed, purpose, step).
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from fundiff.digits.training import warm_ema
from fundiff.pipeline.errors import UserError
from fundiff.pipeline.noise import generator
from fundiff.pipeline.runtime import Runtime
from fundiff.process.paths import VariancePreserving
from prior.making.objective import Objective, losses
from prior.making.optimisers import optimisers

LOGGED = 50  # steps in a row of the log


@dataclass(frozen=True)
class Recipe:
    """How to train; lengths are in images.

    The learning rate warms up over `warmup_images`, stays, and falls to 0 over the last `decay_share` of the images.
    """

    seed: int
    images: int
    batch_size: int
    optimizer: str
    learning_rate: float
    warmup_images: int
    decay_share: float
    ema_decay: float
    dropped_prompts: float
    objective: Objective

    def rate(self, seen: int) -> float:
        """Learning rate after `seen` images."""
        warm = min(1.0, (seen + self.batch_size) / max(1, self.warmup_images))
        left = (self.images - seen) / max(1.0, self.decay_share * self.images)
        return self.learning_rate * warm * min(1.0, max(0.0, left))


def taken(values: Any, rows: Tensor) -> Tensor:
    """Rows `[B]` of a tensor, on its device, or of an array in memory or on disk."""
    if isinstance(values, Tensor):
        return values[rows.to(values.device)]
    return torch.from_numpy(values[rows.numpy()])


@dataclass(frozen=True)
class Pictures:
    """The training set: pictures uint8 `[N, 64, 64, 3]`, each one's sentence `[N]`, float16 token states `[U, 77, C]`.

    Pictures and states may be tensors, arrays, or files mapped into memory. Row 0 of the states is the empty prompt's.
    """

    pixels: Any
    sentence: Tensor
    states: Any

    def batch(self, seed: int, step: int, size: int, dropped: float) -> tuple[Tensor, Tensor]:
        """x_0 `[B, 3, 64, 64]` in [-1, 1] and token states `[B, 77, C]` of one step. dropped: share of empty prompts."""
        chance = generator(seed, "order", step)
        rows = torch.randint(len(self.sentence), (size,), generator=chance)
        keep = torch.rand(size, generator=chance) >= dropped
        pixels, states = taken(self.pixels, rows), taken(self.states, self.sentence[rows] * keep)
        return pixels.permute(0, 3, 1, 2).float() / 127.5 - 1, states.float()


def checkpoint_key(params: str, data: Sequence[Path], code: Sequence[Path], runtime: Runtime) -> str:
    """A hash of params, data, code and runtime; a run goes on from a checkpoint only if its key is the same."""
    key = hashlib.sha256(f"{params}\n{runtime}".encode())
    for path in (*data, *code):
        with path.open("rb") as file:
            key.update(hashlib.file_digest(file, "sha256").digest())
    return key.hexdigest()[:16]


class Training:
    """A training's state: UNet, average of its weights, optimisers, images seen, and the log with its running sums."""

    def __init__(self, unet: nn.Module, recipe: Recipe, runtime: Runtime):
        self.unet = runtime.place(unet).train()
        self.ema = AveragedModel(
            unet, multi_avg_fn=warm_ema(recipe.ema_decay, lambda: int(self.ema.n_averaged))
        )
        self.ema.n_averaged = (
            self.ema.n_averaged.cpu()
        )  # read at every update; on a GPU each read would wait for it
        self.optimisers = optimisers(self.unet, recipe.optimizer)
        self.recipe, self.runtime, self.images = recipe, runtime, 0
        self.log: list[list[float]] = []
        self.sums = torch.zeros(2)  # of both losses since the last row of the log

    def state_dict(self) -> dict[str, Any]:
        """Everything that a checkpoint holds."""
        return {
            "images": self.images, "log": self.log, "sums": self.sums, "unet": self.unet.state_dict(),
            "ema": self.ema.state_dict(), "optimisers": [o.state_dict() for o in self.optimisers],
        }  # fmt: skip

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state of a checkpoint."""
        self.images, self.log, self.sums = state["images"], state["log"], state["sums"]
        self.unet.load_state_dict(state["unet"])
        self.ema.load_state_dict(state["ema"])
        for optimiser, saved in zip(self.optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(saved)

    def update(self, x_0: Tensor, states: Tensor, path: VariancePreserving, step: int, rate: float) -> None:
        """One step of the optimisers and of the average. Raises UserError if the loss is not finite."""
        with self.runtime.autocast():
            v_loss, kl = losses(self.unet, x_0, states, path, self.recipe.objective, self.recipe.seed, step)
        (v_loss + self.recipe.objective.variance_weight * kl).backward()
        norm = nn.utils.clip_grad_norm_(self.unet.parameters(), 1.0)
        if not math.isfinite(float(norm)):
            raise UserError(f"no finite gradient at step {step}, learning rate {rate:.1e}; lower it")
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = rate
            optimiser.step()
        self.unet.zero_grad(set_to_none=True)
        self.ema.update_parameters(self.unet)
        self.sums += torch.stack([v_loss.detach(), kl.detach()]).cpu()

    def steps(self, pictures: Pictures, path: VariancePreserving) -> Iterator[int]:
        """Train, and yield the number of images seen after each step. `recipe` may be replaced on the way."""
        device, size = self.runtime.device, self.recipe.batch_size
        started, since = time.perf_counter(), self.images
        while self.images < self.recipe.images:
            step, rate = self.images // size, self.recipe.rate(self.images)
            x_0, states = pictures.batch(self.recipe.seed, step, size, self.recipe.dropped_prompts)
            self.update(x_0.to(device), states.to(device), path, step, rate)
            self.images += size
            if (step + 1) % LOGGED == 0 or self.images >= self.recipe.images:
                speed = (self.images - since) / (time.perf_counter() - started)
                self.log.append([self.images, *(self.sums / (step % LOGGED + 1)).tolist(), rate, speed])
                self.sums.zero_()
            yield self.images
