"""AdamW, and Muon for the hidden layers' filters."""

from __future__ import annotations

import torch
from torch import nn

from fundiff.digits.optimizers import Muon, parted


def optimisers(unet: nn.Module, kind: str, weight_decay: float = 0.01) -> list[torch.optim.Optimizer]:
    """The optimisers of `kind` "adamw" or "muon", whose learning rates the training sets."""
    filters, rest = parted(unet, kind)
    adamw = torch.optim.AdamW(rest, lr=0.0, weight_decay=weight_decay, fused=True)
    return [adamw, *([Muon(filters, lr=0.0, weight_decay=weight_decay)] if filters else [])]
