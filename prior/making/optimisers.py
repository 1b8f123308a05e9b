"""AdamW, and Muon for the hidden layers' filters and matrices."""

from __future__ import annotations

import torch
from torch import nn

from fundiff.digits.optimizers import Muon


def optimisers(unet: nn.Module, kind: str, weight_decay: float = 0.01) -> list[torch.optim.Optimizer]:
    """The optimisers of `kind` "adamw" or "muon"; Muon takes every filter and matrix but the first and the last layer's."""
    hidden = [
        p for name, p in unet.named_parameters()
        if kind == "muon" and p.ndim in (2, 4) and not name.startswith(("conv_in", "conv_out"))
    ]  # fmt: skip
    taken = {id(p) for p in hidden}
    rest = [p for p in unet.parameters() if id(p) not in taken]
    adamw = torch.optim.AdamW(rest, lr=0.0, weight_decay=weight_decay, fused=True)
    return [adamw, *([Muon(hidden, lr=0.0, weight_decay=weight_decay)] if hidden else [])]
