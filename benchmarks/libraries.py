"""Training steps of other libraries, each with its own network of about the same number of parameters."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader

from benchmarks.notebook import BATCH, CLASSES, LEARNING_RATE, DigitSet, T
from benchmarks.training import arrays, throughput
from benchmarks.turn import Play
from fundiff.pipeline.runtime import prepare_runtime


def endless(device: str) -> Iterator[tuple[Tensor, Tensor]]:
    """Endless batches of digits and labels from a DataLoader."""
    while True:
        for images, labels in DataLoader(DigitSet(*arrays("train")), BATCH, shuffle=True):
            yield images.to(device), labels.to(device)


def ddpm_pytorch(dim: int, batches: int) -> Play:
    """denoising-diffusion-pytorch: GaussianDiffusion over its Unet, with its Trainer's step (no classes)."""
    from denoising_diffusion_pytorch import GaussianDiffusion, Unet
    from ema_pytorch import EMA

    device = prepare_runtime().device
    unet = Unet(dim, channels=1, dim_mults=(1, 2))
    diffusion = GaussianDiffusion(unet, image_size=28, timesteps=T, objective="pred_noise").to(device)
    optimizer = torch.optim.Adam(diffusion.parameters(), lr=LEARNING_RATE, betas=(0.9, 0.99))
    ema = EMA(diffusion, beta=0.995, update_every=10).to(device)

    def steps() -> Iterator[int]:
        for images, _labels in endless(device):
            loss = diffusion(images)
            loss.item()
            loss.backward()
            nn.utils.clip_grad_norm_(diffusion.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
            ema.update()
            yield len(images)

    return counted(steps(), unet, batches, device)


def diffusers(widths: list[int], batches: int) -> Play:
    """diffusers: a class-conditioned UNet2DModel with the step of its training script."""
    from diffusers import DDPMScheduler, UNet2DModel
    from diffusers.training_utils import EMAModel

    device = prepare_runtime().device
    unet = UNet2DModel(
        sample_size=28,
        in_channels=1,
        out_channels=1,
        layers_per_block=1,
        block_out_channels=tuple(widths),
        down_block_types=("DownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "UpBlock2D"),
        num_class_embeds=CLASSES + 1,
    ).to(device)
    scheduler = DDPMScheduler(T, beta_start=1e-4, beta_end=0.02)
    optimizer = torch.optim.AdamW(unet.parameters(), lr=LEARNING_RATE)
    ema = EMAModel(unet.parameters(), decay=0.9999, use_ema_warmup=True)

    def steps() -> Iterator[int]:
        for images, labels in endless(device):
            noise = torch.randn_like(images)
            t = torch.randint(0, T, (len(images),), device=device)
            hidden = torch.rand(len(images), device=device) < 0.1
            told = torch.where(hidden, CLASSES, labels)
            said = unet(scheduler.add_noise(images, noise, t), t, told, return_dict=False)[0]  # type: ignore[arg-type]
            loss = F.mse_loss(said.float(), noise)
            loss.backward()
            nn.utils.clip_grad_norm_(unet.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
            ema.step(unet.parameters())
            loss.item()
            yield len(images)

    return counted(steps(), unet, batches, device)


def smalldiffusion(ch: int, batches: int) -> Play:
    """smalldiffusion: its training loop over its class-conditioned Unet."""
    from smalldiffusion import ScheduleDDPM, Unet, training_loop
    from smalldiffusion.model import CondEmbedderLabel

    device = prepare_runtime().device
    embed = CondEmbedderLabel(ch * 4, CLASSES, 0.1)
    unet = Unet(28, 1, 1, ch=ch, ch_mult=(1, 2, 3), num_res_blocks=1, attn_resolutions=(), cond_embed=embed)
    loader = DataLoader(DigitSet(*arrays("train")), BATCH, shuffle=True)

    def steps() -> Iterator[int]:
        loop = training_loop(
            loader, unet.to(device), ScheduleDDPM(T), epochs=10**6, lr=LEARNING_RATE, conditional=True
        )
        for state in loop:
            state.loss.item()
            yield len(state.x0)

    return counted(steps(), unet, batches, device)


def counted(steps: Iterator[int], network: nn.Module, batches: int, device: str) -> Play:
    """Images per second of a training; `steps` yields the number of images of every step."""
    return throughput(lambda count: sum(islice(steps, count)), network, batches, device)
