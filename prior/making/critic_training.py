"""Contrastive training of the critic on drawings: augmented cut-outs against the sentences that name them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fundiff.critic.encoder import MAX_SCALE, ImageEncoder, contrastive_loss
from fundiff.pipeline.noise import generator


def augmented(images: Tensor, chance: torch.Generator) -> Tensor:
    """Images `[B, 3, S, S]` in [-1, 1] with a random crop, saturation and brightness, and a little noise.

    Some become grey.
    """
    count = len(images)
    theta = torch.zeros(count, 2, 3)
    theta[:, 0, 0] = theta[:, 1, 1] = 0.85 + 0.35 * torch.rand(count, generator=chance)
    theta[:, :, 2] = 0.24 * torch.rand(count, 2, generator=chance) - 0.12
    grid = torch.nn.functional.affine_grid(theta, list(images.shape), align_corners=False)
    moved = torch.nn.functional.grid_sample(images, grid, padding_mode="border", align_corners=False)
    grey = moved.mean(1, keepdim=True)
    colour = 0.5 + torch.rand(count, 1, 1, 1, generator=chance)
    colour = torch.where(torch.rand(count, 1, 1, 1, generator=chance) < 0.1, torch.zeros(()), colour)
    light = 0.3 * torch.rand(count, 1, 1, 1, generator=chance) - 0.15
    noise = 0.15 * torch.rand(count, 1, 1, 1, generator=chance)
    noisy = grey + colour * (moved - grey) + light + noise * torch.randn(images.shape, generator=chance)
    return noisy.clamp(-1, 1)


def on_white(cut_outs: np.ndarray) -> np.ndarray:
    """RGBA cut-outs `[N, 64, 64, 4]` on white ground, `[N, 64, 64, 3]`, both uint8."""
    alpha = cut_outs[..., 3:].astype(np.uint16)
    return ((cut_outs[..., :3] * alpha + 255 * (255 - alpha)) // 255).astype(np.uint8)


def training(
    encoder: ImageEncoder, pixels: Any, sentence: Tensor, vectors: Tensor,
    *, seed: int, images: int, batch_size: int, learning_rate: float, bf16: bool,
) -> Iterator[tuple[int, float]]:  # fmt: skip
    """Train the encoder; yields (images seen, loss) after every step.

    pixels: uint8 `[N, 64, 64, 3]`; sentence: the row in `vectors` of each picture's sentence, `[N]`; vectors: unit vectors
    `[U, 384]`. The learning rate falls to 0 along a cosine.
    """
    optimizer = torch.optim.AdamW(encoder.parameters(), lr=learning_rate, weight_decay=0.05)
    encoder.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    steps = max(1, images // batch_size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, learning_rate, total_steps=steps, pct_start=0.1)
    for step in range(steps):
        chance = generator(seed, "critic", step)
        rows = torch.randint(len(sentence), (batch_size,), generator=chance)
        x_0 = torch.from_numpy(pixels[rows.numpy()]).permute(0, 3, 1, 2).float() / 127.5 - 1
        scale = encoder.log_scale.exp().clamp(max=MAX_SCALE)
        shown = augmented(x_0, chance).contiguous(memory_format=torch.channels_last)
        with torch.autocast(shown.device.type, torch.bfloat16, enabled=bf16):
            seen = encoder(shown)
        loss = contrastive_loss(seen.float(), vectors[sentence[rows]], scale)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        schedule.step()
        yield (step + 1) * batch_size, float(loss.detach())
