"""MNIST digits (or Fashion-MNIST): their splits, loading, augmentation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from fundiff.pipeline.errors import UserError
from fundiff.pipeline.noise import generator

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Digits:
    """images `[N, 1, 28, 28]` float in [0, 1], labels `[N]` int64."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)


def split(
    images: np.ndarray, labels: np.ndarray, counts: dict[str, int], seed: int
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Disjoint random parts of the given sizes, balanced over the classes; a size of 0 takes the rest.

    images uint8 `[N, 28, 28]`, labels int64 `[N]`. Raises UserError if the sizes exceed N.
    """
    order = torch.randperm(len(labels), generator=generator(seed, "split")).numpy()
    # Queue the first digit of every class, then the second of every class, ...: any slice of it is balanced.
    rank = np.empty(len(labels), np.int64)
    for digit in np.unique(labels):
        mine = order[labels[order] == digit]
        rank[mine] = np.arange(len(mine))
    queue = order[np.argsort(rank[order], kind="stable")]
    if sum(counts.values()) > len(queue) or (0 in counts.values() and sum(counts.values()) == len(queue)):
        asked = ", ".join(f"{name} {count}" for name, count in counts.items())
        raise UserError(f"params.yaml: fetch_mnist asks for {asked}; only {len(queue)} digits are there")
    parts, start = {}, 0
    for name, count in sorted(counts.items(), key=lambda item: item[1] == 0):
        end = start + count if count else len(queue)
        index = np.sort(queue[start:end])
        parts[name], start = (images[index], labels[index]), end
    return parts


def load_digits(path: str | Path, split: str, device: str = "cpu") -> Digits:
    """One split (train, validation or test) of the digits file. Raises UserError if it is missing or malformed."""
    try:
        with np.load(path) as data:
            images, labels = data[f"{split}_images"], data[f"{split}_labels"]
    except FileNotFoundError:
        raise UserError(f"{path}: not found; run `dvc repro digits/dvc.yaml:fetch_mnist`") from None
    except Exception as error:
        problem = f"not a readable digits file ({type(error).__name__})"
        raise UserError(f"{path}: {problem}; run `dvc repro -f digits/dvc.yaml:fetch_mnist`") from None
    if images.shape[1:] != (28, 28) or images.dtype != np.uint8 or len(images) != len(labels):
        raise UserError(
            f"{path}: {split}_images is {images.dtype} {images.shape}; expected uint8 (N, 28, 28)"
        )
    tensor = torch.from_numpy(images).to(device).float().div(255).unsqueeze(1)
    return Digits(tensor, torch.from_numpy(labels).to(device))


def augment(images: Tensor, rotate: float, scale: float, shift: float, g: torch.Generator) -> Tensor:
    """Random affine maps of images `[B, 1, 28, 28]`: up to +-`rotate` degrees, scale 1 +- `scale`, +-`shift` pixels."""
    b = len(images)
    uniform = torch.rand(b, 4, generator=g).to(images.device) * 2 - 1
    angle = uniform[:, 0] * rotate * torch.pi / 180
    zoom = 1 / (1 + uniform[:, 1] * scale)
    move = uniform[:, 2:] * shift * 2 / images.shape[-1]
    cos, sin = angle.cos() * zoom, angle.sin() * zoom
    theta = torch.stack([cos, -sin, move[:, 0], sin, cos, move[:, 1]], 1).view(b, 2, 3)
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, align_corners=False)
