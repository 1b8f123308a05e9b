"""Part B as a student's notebook would run it, by the course's recipe: the peer of most rows.

PIL images through a transform, a DataLoader, fp32, the loss read at every step, two UNet calls for guidance. t counts
from 1 to T as on the course's page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import ToTensor

T = 300
BETAS = torch.linspace(1e-4, 0.02, T)
ALPHAS = 1 - BETAS
ALPHA_BARS = torch.cumprod(ALPHAS, 0)
CLASSES, DROP, BATCH, LEARNING_RATE = 10, 0.1, 128, 1e-3


class DigitSet(Dataset):
    """uint8 images `[N, 28, 28]` and labels `[N]`, returned one by one as torchvision's MNIST does."""

    def __init__(self, images: np.ndarray, labels: np.ndarray):
        self.images, self.labels, self.transform = images, labels, ToTensor()

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.transform(Image.fromarray(self.images[index])), int(self.labels[index])


def noise_loss(unet: nn.Module, x: Tensor, labels: Tensor, t: Tensor, eps: Tensor, given: Tensor) -> Tensor:
    """L2 to the noise of x_t; x `[B, 1, 28, 28]`, t `[B]` in 1..T, given `[B, 1]`: 0 drops the class."""
    alpha_bar = ALPHA_BARS.to(x.device)[t - 1].view(-1, 1, 1, 1)
    x_t = alpha_bar.sqrt() * x + (1 - alpha_bar).sqrt() * eps
    c = F.one_hot(labels, CLASSES).float() * given
    return F.mse_loss(unet(x_t, (t / T).view(-1, 1), c), eps)


def train(unet: nn.Module, images: np.ndarray, labels: np.ndarray, epochs: int, device: str) -> Iterator[int]:
    """Train by the course's recipe; yield the number of images of every step."""
    loader = DataLoader(DigitSet(images, labels), BATCH, shuffle=True)
    optimizer = torch.optim.Adam(unet.parameters(), lr=LEARNING_RATE)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.1 ** (1 / epochs))
    losses = []
    unet.train()
    for _ in range(epochs):
        for batch, digits in loader:
            x, digits = batch.to(device), digits.to(device)
            t = torch.randint(1, T + 1, (len(x),), device=device)
            given = (torch.rand(len(x), 1, device=device) >= DROP).float()
            loss = noise_loss(unet, x, digits, t, torch.randn_like(x), given)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            yield len(x)
        scheduler.step()


@torch.no_grad()
def sample(
    unet: nn.Module, labels: Tensor, guidance: float, draw: Callable[..., Tensor] = torch.randn
) -> Tensor:
    """Digits `[B, 1, 28, 28]` of the labels `[B]`, by T ancestral steps; `draw(*shape)` gives noise."""
    device, shape = labels.device, (len(labels), 1, 28, 28)
    x = draw(*shape).to(device)
    c = F.one_hot(labels, CLASSES).float()
    for t in range(T, 0, -1):
        time = torch.full((len(x), 1), t / T, device=device)
        eps_u, eps_c = unet(x, time, torch.zeros_like(c)), unet(x, time, c)
        eps = eps_u + guidance * (eps_c - eps_u)
        alpha, alpha_bar, beta = ALPHAS[t - 1], ALPHA_BARS[t - 1], BETAS[t - 1]
        alpha_bar_prev = ALPHA_BARS[t - 2] if t > 1 else torch.tensor(1.0)
        x0 = (x - (1 - alpha_bar).sqrt() * eps) / alpha_bar.sqrt()
        x = alpha_bar_prev.sqrt() * beta * x0 / (1 - alpha_bar) + alpha.sqrt() * (1 - alpha_bar_prev) * x / (
            1 - alpha_bar
        )
        if t > 1:
            x = x + beta.sqrt() * draw(*shape).to(device)
    return x


@torch.no_grad()
def sample_flow(
    unet: nn.Module, labels: Tensor, guidance: float, steps: int, draw: Callable[..., Tensor] = torch.randn
) -> Tensor:
    """Digits `[B, 1, 28, 28]` of the labels `[B]`, by Euler steps from noise at t = 0 to the digit at t = 1 (Fall 2025)."""
    device, c = labels.device, F.one_hot(labels, CLASSES).float()
    x = draw(len(labels), 1, 28, 28).to(device)
    for i in range(steps):
        time = torch.full((len(x), 1), i / steps, device=device)
        v_u, v_c = unet(x, time, torch.zeros_like(c)), unet(x, time, c)
        x = x + (v_u + guidance * (v_c - v_u)) / steps
    return x
