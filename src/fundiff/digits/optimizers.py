"""The optimizers of Part B: Adam, the course's, and Muon for the filters, which needs about a quarter of the images."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import torch
from torch import Tensor, nn

Kind = Literal["adam", "muon"]
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
        self, params: Iterable[nn.Parameter], lr: float, momentum: float = 0.95, weight_decay: float = 0.0
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


def hidden_filters(model: nn.Module) -> list[nn.Parameter]:
    """The filters `[O, I, H, W]` of every convolution but the first and the last, in the model's order."""
    return [parameter for parameter in model.parameters() if parameter.ndim == 4][1:-1]


def optimizers(model: nn.Module, kind: Kind, learning_rate: float) -> list[torch.optim.Optimizer]:
    """What updates the model: Adam for all of it, or Muon for the hidden filters and Adam for the rest."""
    filters = hidden_filters(model) if kind == "muon" else []
    taken = {id(parameter) for parameter in filters}
    rest = [parameter for parameter in model.parameters() if id(parameter) not in taken]
    adam = torch.optim.Adam(rest, lr=learning_rate, fused=True)
    return [adam, *([Muon(filters, lr=learning_rate)] if filters else [])]
