"""Training of the shipped prior: v-prediction with a learned-range variance, resumable to the bit.

The state is counted in images. Pictures, timesteps, noise and dropped prompts are functions of (seed,
purpose, step).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from fundiff.pipeline.errors import UserError
from fundiff.pipeline.noise import generator


@dataclass(frozen=True)
class Recipe:
    """How to train: sizes in images; the learning rate warms up, stays, and falls to 0 over `decay_share`
    of the end."""

    seed: int
    images: int
    batch_size: int
    learning_rate: float
    warmup_images: int
    decay_share: float
    ema_decay: float
    dropped_prompts: float
    snr_floor: float
    snr_gamma: float
    variance_weight: float

    def rate(self, seen: int) -> float:
        """Learning rate after `seen` images."""
        warm = min(1.0, (seen + self.batch_size) / max(1, self.warmup_images))
        left = (self.images - seen) / max(1.0, self.decay_share * self.images)
        return self.learning_rate * warm * min(1.0, max(0.0, left))


@dataclass(frozen=True)
class Pictures:
    """The training set: uint8 `[N, 64, 64, 3]`, the sentence of each, float16 token states `[U, 77, C]`;
    row 0 is ""."""

    pixels: Any
    sentence: Tensor
    states: Tensor

    def batch(self, seed: int, step: int, size: int, dropped: float) -> tuple[Tensor, Tensor]:
        """x_0 `[B, 3, 64, 64]` in [-1, 1] and token states `[B, 77, C]` of a step."""
        chance = generator(seed, "order", step)
        rows = torch.randint(len(self.sentence), (size,), generator=chance)
        keep = torch.rand(size, generator=chance) >= dropped
        x_0 = torch.from_numpy(self.pixels[rows.numpy()]).permute(0, 3, 1, 2).float() / 127.5 - 1
        return x_0, self.states[self.sentence[rows] * keep].float()


def posterior_log_variances(alphas_cumprod: Tensor) -> tuple[Tensor, Tensor]:
    """Log of the smallest and the largest variance of a reverse step, `[T]` each ("Improved DDPM",
    equation 15)."""
    before = torch.cat([torch.ones(1), alphas_cumprod[:-1]])
    beta = 1 - alphas_cumprod / before
    smallest = beta * (1 - before) / (1 - alphas_cumprod)
    smallest[0] = smallest[1]  # it is 0 at t = 0, where its log does not exist
    return smallest.log(), beta.log()


def variance_loss(
    x_0: Tensor, x_t: Tensor, v: Tensor, share: Tensor, t: Tensor, alphas_cumprod: Tensor
) -> Tensor:
    """KL between the true reverse step and the learned one, nats per value `[B]`; the mean is not trained
    by it.

    `share` is the network's variance output, in [-1, 1] where it lies between the smallest and the largest.
    """
    alpha_bar = alphas_cumprod[t].view(-1, 1, 1, 1)
    before = torch.where(t > 0, alphas_cumprod[t - 1], torch.ones(())).view(-1, 1, 1, 1)
    smallest, largest = (bound[t].view(-1, 1, 1, 1) for bound in posterior_log_variances(alphas_cumprod))
    log_variance = 0.5 * (share + 1) * largest + 0.5 * (1 - share) * smallest
    estimate = alpha_bar.sqrt() * x_t - (1 - alpha_bar).sqrt() * v.detach()
    # Both means share their x_t term, so that only the x_0 term is left of their difference.
    difference = before.sqrt() * (1 - alpha_bar / before) / (1 - alpha_bar) * (x_0 - estimate)
    kl = log_variance - smallest - 1 + (smallest - log_variance).exp() + difference**2 * (-log_variance).exp()
    return 0.5 * kl.mean(dim=(1, 2, 3))


def stratified_timesteps(size: int, steps: int, chance: torch.Generator) -> Tensor:
    """`[B]` timesteps, one from each of B equal parts of the schedule, so that every batch sees all noise
    levels."""
    return (
        ((torch.arange(size) + torch.rand(size, generator=chance)) / size * steps).long().clamp(max=steps - 1)
    )


def losses(
    unet: nn.Module, x_0: Tensor, states: Tensor, alphas_cumprod: Tensor, recipe: Recipe, step: int
) -> tuple[Tensor, Tensor]:
    """The v loss under min-SNR weighting and the variance loss of a step (scalars)."""
    chance = generator(recipe.seed, "noise", step)
    t = stratified_timesteps(len(x_0), len(alphas_cumprod), chance)
    eps = torch.randn(x_0.shape, generator=chance)
    alpha_bar = alphas_cumprod[t].view(-1, 1, 1, 1)
    x_t = alpha_bar.sqrt() * x_0 + (1 - alpha_bar).sqrt() * eps
    v_true = alpha_bar.sqrt() * eps - (1 - alpha_bar).sqrt() * x_0
    out = unet(x_t, t, encoder_hidden_states=states, return_dict=False)[0].float()
    v, share = out.chunk(2, dim=1)
    snr = alphas_cumprod[t] / (1 - alphas_cumprod[t])
    # min-SNR (Hang et al. 2023) for v-prediction; the floor keeps a say to the noisiest timesteps, which decide where
    # things stand.
    weight = snr.clamp(recipe.snr_floor, recipe.snr_gamma) / (snr + 1)
    v_loss = (weight * (v - v_true).square().mean(dim=(1, 2, 3))).mean()
    return v_loss, variance_loss(x_0, x_t, v, share, t, alphas_cumprod).mean()


def averaging(decay: float) -> Callable[[Any, Any, Any], None]:
    """The EMA update; early on the decay follows the number of steps, so that the average forgets the
    start."""

    @torch.no_grad()
    def update(averages: list[Tensor], current: list[Tensor], count: Tensor | int) -> None:
        torch._foreach_lerp_(averages, current, 1 - min(decay, (1 + int(count)) / (10 + int(count))))

    return update


class Training:
    """UNet, EMA, optimiser and count of images: all that a checkpoint holds."""

    def __init__(self, unet: nn.Module, recipe: Recipe, bf16: bool):
        self.unet = unet.to(memory_format=torch.channels_last).train()  # type: ignore[call-overload]
        self.ema = AveragedModel(unet, multi_avg_fn=averaging(recipe.ema_decay))
        self.optimizer = torch.optim.AdamW(unet.parameters(), lr=0.0, weight_decay=0.01, fused=True)
        self.recipe, self.bf16, self.images = recipe, bf16, 0
        self.log: list[list[float]] = []

    def state_dict(self) -> dict[str, Any]:
        """Everything that decides how the training goes on."""
        return {
            "images": self.images, "log": self.log, "unet": self.unet.state_dict(),
            "ema": self.ema.state_dict(), "optimizer": self.optimizer.state_dict(),
        }  # fmt: skip

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self.images, self.log = state["images"], state["log"]
        for part in ("unet", "ema", "optimizer"):
            getattr(self, part).load_state_dict(state[part])

    def steps(self, pictures: Pictures, alphas_cumprod: Tensor) -> Iterator[int]:
        """Train; yields the count of images after each step. Raises UserError if the loss is no longer a
        number."""
        recipe = self.recipe
        started, since, sums = time.perf_counter(), self.images, torch.zeros(2)
        while self.images < recipe.images:
            step, rate = self.images // recipe.batch_size, recipe.rate(self.images)
            for group in self.optimizer.param_groups:
                group["lr"] = rate
            x_0, states = pictures.batch(recipe.seed, step, recipe.batch_size, recipe.dropped_prompts)
            with torch.autocast("cpu", torch.bfloat16, enabled=self.bf16):
                v_loss, kl = losses(self.unet, x_0, states, alphas_cumprod, recipe, step)
            (v_loss + recipe.variance_weight * kl).backward()
            norm = nn.utils.clip_grad_norm_(self.unet.parameters(), 1.0)
            if not math.isfinite(float(norm)):
                raise UserError(f"no finite gradient at step {step}, learning rate {rate:.1e}; lower it")
            self.optimizer.step()
            self.optimizer.zero_grad(set_to_none=True)
            self.ema.update_parameters(self.unet)
            self.images += recipe.batch_size
            sums += torch.stack([v_loss.detach(), kl.detach()])
            if (step + 1) % 50 == 0:
                speed = (self.images - since) / (time.perf_counter() - started)
                self.log.append([self.images, *(sums / 50).tolist(), rate, speed])
                sums.zero_()
            yield self.images
