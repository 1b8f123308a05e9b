"""The prior's loss: v-prediction with a learned-range variance."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor, nn

from fundiff.pipeline.noise import generator
from fundiff.process.paths import VariancePreserving, along


@dataclass(frozen=True)
class Objective:
    """The weights of the loss and the law of the timesteps.

    snr_floor, snr_gamma: bounds of the min-SNR weight. variance_weight: factor of the variance loss. times: "even" or
    "logit-normal". immiscible: size of the groups in which noise is assigned to the nearest pictures; 0: no assignment.
    """

    snr_floor: float
    snr_gamma: float
    variance_weight: float
    times: str = "even"
    immiscible: int = 0


def variance_loss(
    x_0: Tensor, x_t: Tensor, v: Tensor, share: Tensor, t: Tensor, path: VariancePreserving
) -> Tensor:
    """KL divergence of the learned reverse step from the true one, in nats per value, `[B]`.

    share `[B, 3, S, S]`: the network's variance output; -1 is the smallest variance, 1 the largest (Nichol & Dhariwal
    2021, eq. 15). t `[B]` on the CPU. No gradient reaches the mean.
    """
    # The smallest variance of t = 0 is 0 and has no logarithm; that of t = 1 is used.
    later = t.clamp(min=1)
    smallest = along(path.posterior_variance(later, later - 1).log(), x_0)
    largest = along(path.beta(t, t - 1).log(), x_0)
    log_variance = 0.5 * (share + 1) * largest + 0.5 * (1 - share) * smallest
    estimate = path.of_velocity(x_t, t, v.detach())[0]
    # Both means have the same x_t term, so their difference is that of the x_0 terms.
    factor = path.alpha(t - 1) * path.beta(t, t - 1) / (1 - path.abar(t))
    difference = along(factor, x_0) * (x_0 - estimate)
    kl = log_variance - smallest - 1 + (smallest - log_variance).exp() + difference**2 * (-log_variance).exp()
    return 0.5 * kl.mean(dim=(1, 2, 3))


def timesteps(size: int, steps: int, chance: torch.Generator, law: str = "even") -> Tensor:
    """`[B]` timesteps, one from each of B equally likely parts of a law, so that every batch has all noise levels.

    law: "even", or "logit-normal" (0, 1), which prefers the middle (Esser et al. 2024).
    """
    share = (torch.arange(size) + torch.rand(size, generator=chance)) / size
    if law == "logit-normal":
        share = torch.special.ndtri(share.clamp(1e-4, 1 - 1e-4)).sigmoid()
    return (share * steps).long().clamp(max=steps - 1)


def nearest_noise(x_0: Tensor, eps: Tensor, group: int) -> Tensor:
    """The noise `[B, 3, S, S]` reordered: in each group of `group` rows the pairs of picture and noise are close.

    The assignment has the least total distance (Immiscible Diffusion, Li et al. 2024).
    """
    order = []
    for start in range(0, len(x_0), group):
        rows = slice(start, start + group)
        cost = -(x_0[rows].flatten(1).float() @ eps[rows].flatten(1).float().T)
        order.append(start + torch.from_numpy(linear_sum_assignment(cost.float().cpu().numpy())[1]))
    return eps[torch.cat(order).to(eps.device)]


def noise_of(x_0: Tensor, seed: int, step: int) -> Tensor:
    """The noise of a training step, a function of (seed, step). A GPU draws other noise than a CPU."""
    if x_0.device.type == "cpu":
        return torch.randn(x_0.shape, generator=generator(seed, "eps", step))
    chance = torch.Generator(x_0.device).manual_seed(generator(seed, "eps", step).initial_seed())
    return torch.randn(x_0.shape, generator=chance, device=x_0.device)


def losses(
    unet: nn.Module, x_0: Tensor, states: Tensor, path: VariancePreserving, objective: Objective, seed: int, step: int
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """The weighted v loss and the variance loss of a step, both scalars; all tensors are on one device."""
    t = timesteps(len(x_0), len(path), generator(seed, "noise", step), objective.times)
    eps = noise_of(x_0, seed, step)
    if objective.immiscible:
        eps = nearest_noise(x_0, eps, objective.immiscible)
    x_t = path.forward(x_0, t, eps)
    out = unet(x_t, t.to(x_0.device), encoder_hidden_states=states, return_dict=False)[0].float()
    v, share = out.chunk(2, dim=1)
    snr = path.snr(t)
    # min-SNR (Hang et al. 2023) for v-prediction. The floor keeps a weight on the noisiest timesteps, which decide
    # where things stand in a picture.
    weight = (snr.clamp(objective.snr_floor, objective.snr_gamma) / (snr + 1)).to(x_0.device)
    v_loss = (weight * (v - path.velocity_of(x_0, t, eps)).square().mean(dim=(1, 2, 3))).mean()
    return v_loss, variance_loss(x_0, x_t, v, share, t, path).mean()
