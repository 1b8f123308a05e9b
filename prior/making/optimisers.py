"""AdamW, and Muon for the hidden layers' filters and matrices."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

NEWTON_SCHULZ = (3.4445, -4.775, 2.0315)


def orthogonal(update: Tensor, steps: int = 5) -> Tensor:
    """Roughly the nearest semi-orthogonal matrix to `[M, N]`, by Newton-Schulz steps in bf16 (Jordan et al. 2024)."""
    a, b, c = NEWTON_SCHULZ
    x = update.bfloat16()
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x
    x = x / (x.norm() + 1e-7)
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return (x.T if tall else x).to(update.dtype)


class Muon(torch.optim.Optimizer):
    """Momentum whose every update is made orthogonal (Jordan et al. 2024).

    Filters `[O, I, H, W]` are treated as matrices `[O, I H W]`; torch's own Muon refuses them. Updates are scaled to the
    usual size of AdamW's, so that the learning rate is the same (Liu et al. 2025).
    """

    def __init__(
        self, params: Iterable[nn.Parameter], lr: float, momentum: float = 0.95, weight_decay: float = 0.01
    ):
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Update all parameters that have a gradient."""
        for group in self.param_groups:
            for parameter in (p for p in group["params"] if p.grad is not None):
                state = self.state[parameter]
                if not state:
                    state["momentum"] = torch.zeros_like(parameter)
                buffer = state["momentum"].lerp_(parameter.grad, 1 - group["momentum"])
                wanted = parameter.grad.lerp(buffer, group["momentum"]).flatten(1)
                size = 0.2 * max(wanted.shape) ** 0.5
                parameter.mul_(1 - group["lr"] * group["weight_decay"])
                parameter.add_(orthogonal(wanted).view(parameter.shape), alpha=-group["lr"] * size)


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
