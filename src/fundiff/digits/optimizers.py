"""The optimizers of Part B: Adam, as in the course, and Muon for the filters. Muon needs about a quarter of the images."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import torch
from torch import Tensor, nn

Kind = Literal["adam", "muon"]
NEWTON_SCHULZ = (3.4445, -4.775, 2.0315)


def orthogonal(update: Tensor, steps: int = 5) -> Tensor:
    """Roughly the nearest semi-orthogonal matrix to `[M, N]`, by Newton-Schulz steps (Jordan et al. 2024).

    Each step multiplies x by a polynomial of its Gram matrix, so all steps work on matrices of the shorter side.
    """
    a, b, c = NEWTON_SCHULZ
    tall = update.shape[0] > update.shape[1]
    x = update.T if tall else update
    x = x / (x.norm() + 1e-7)
    gram = x @ x.T
    factor = torch.eye(len(gram)).to(gram)
    for _ in range(steps):
        step = torch.addmm(gram, gram, gram, beta=b, alpha=c)
        step.diagonal().add_(a)
        factor, gram = step @ factor, step @ gram @ step
    x = factor @ x
    return x.T if tall else x


class Muon(torch.optim.Optimizer):
    """Momentum with orthogonalised updates (Jordan et al. 2024).

    Filters `[O, I, H, W]` are treated as matrices `[O, I H W]`; torch's own Muon refuses them. Updates are scaled to the
    usual size of AdamW's updates, so that both use the same learning rate (Liu et al. 2025).
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


def parted(model: nn.Module, kind: str) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """The parameters that Muon updates, and the rest, in the model's order.

    Muon updates the filters `[O, I, H, W]` of every convolution but the first and the last. For another kind there are none.
    """
    filters = [p for p in model.parameters() if p.ndim == 4][1:-1] if kind == "muon" else []
    taken = {id(parameter) for parameter in filters}
    return filters, [parameter for parameter in model.parameters() if id(parameter) not in taken]


def optimizers(model: nn.Module, kind: Kind, learning_rate: float) -> list[torch.optim.Optimizer]:
    """The model's optimizers: Adam for all of it, or Muon for the hidden filters and Adam for the rest."""
    filters, rest = parted(model, kind)
    adam = torch.optim.Adam(rest, lr=learning_rate, fused=True)
    return [adam, *([Muon(filters, lr=learning_rate)] if filters else [])]
