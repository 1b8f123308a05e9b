"""The judge: a small classifier of digits. Its features take the place of an Inception network's in all scores."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

FEATURES = 64


class Judge(nn.Module):
    """A CNN for `[B, 1, 28, 28]` in [0, 1], with 64 pre-logit features and 10 logits."""

    def __init__(self):
        super().__init__()

        def block(c_in: int, c_out: int) -> nn.Sequential:
            return nn.Sequential(
                nn.Conv2d(c_in, c_out, 3, padding=1),
                nn.BatchNorm2d(c_out),
                nn.ReLU(),
                nn.Conv2d(c_out, c_out, 3, padding=1),
                nn.BatchNorm2d(c_out),
                nn.ReLU(),
                nn.MaxPool2d(2),
            )

        self.body = nn.Sequential(block(1, 32), block(32, 64), block(64, 96), nn.Flatten(), nn.Dropout(0.3))
        self.neck = nn.Sequential(nn.Linear(96 * 9, FEATURES), nn.ReLU())
        self.head = nn.Linear(FEATURES, 10)

    def features(self, x: Tensor) -> Tensor:
        """Pre-logit features `[B, 64]`."""
        return self.neck(self.body(x))

    def forward(self, x: Tensor) -> Tensor:
        """Logits `[B, 10]`."""
        return self.head(self.features(x))


def cross_entropy(model: nn.Module, x: Tensor, labels: Tensor, g: torch.Generator, rows: slice) -> Tensor:
    """The judge's training loss on the rows of a batch: cross-entropy, labels smoothed by 0.1."""
    return F.cross_entropy(model(x[rows]).float(), labels[rows], label_smoothing=0.1)


@torch.no_grad()
def verdicts(judge: Judge, images: Tensor) -> tuple[Tensor, Tensor]:
    """float64 features `[N, 64]` and predicted digits `[N]` of `[N, 1, 28, 28]` images."""
    features = torch.cat([judge.features(part.float()) for part in images.split(500)])
    return features.cpu().double(), judge.head(features).argmax(1).cpu()
