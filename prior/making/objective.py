"""What the prior is trained on: v-prediction with a learned-range variance on a schedule's x_t."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor, nn

from fundiff.pipeline.noise import generator
from fundiff.process.paths import VariancePreserving, along


@dataclass(frozen=True)
class Objective:
    """The loss: min-SNR weighting between a floor and gamma, the variance's weight, the times' law ("even" or
    "logit-normal"), and in what groups noise is assigned to the nearest pictures (0: not)."""

    snr_floor: float
    snr_gamma: float
    variance_weight: float
    times: str = "even"
    immiscible: int = 0


def variance_loss(
    x_0: Tensor, x_t: Tensor, v: Tensor, share: Tensor, t: Tensor, path: VariancePreserving
) -> Tensor:
    """KL between the true reverse step and the learned one, nats per value `[B]`; the mean is not trained by it.

    `share` is the network's variance output, in [-1, 1] where it lies between the smallest and the largest. t `[B]` on
    the CPU ("Improved DDPM", Nichol & Dhariwal 2021, eq. 15).
    """
    # At t = 0 the smallest variance is 0, which has no log: that of t = 1 stands in.
    later = t.clamp(min=1)
    smallest = along(path.posterior_variance(later, later - 1).log(), x_0)
    largest = along(path.beta(t, t - 1).log(), x_0)
    log_variance = 0.5 * (share + 1) * largest + 0.5 * (1 - share) * smallest
    estimate = path.of_velocity(x_t, t, v.detach())[0]
    # Both means share their x_t term, so that only the x_0 term is left of their difference.
    factor = path.alpha(t - 1) * path.beta(t, t - 1) / (1 - path.abar(t))
    difference = along(factor, x_0) * (x_0 - estimate)
    kl = log_variance - smallest - 1 + (smallest - log_variance).exp() + difference**2 * (-log_variance).exp()
    return 0.5 * kl.mean(dim=(1, 2, 3))


def timesteps(size: int, steps: int, chance: torch.Generator, law: str = "even") -> Tensor:
    """`[B]` timesteps, one from each of B equally likely parts of their law, so that every batch sees all noise
    levels: "even", or "logit-normal" (0, 1), which prefers the middle (Esser et al. 2024)."""
    share = (torch.arange(size) + torch.rand(size, generator=chance)) / size
    if law == "logit-normal":
        share = torch.special.ndtri(share.clamp(1e-4, 1 - 1e-4)).sigmoid()
    return (share * steps).long().clamp(max=steps - 1)


def nearest_noise(x_0: Tensor, eps: Tensor, group: int) -> Tensor:
    """The noise `[B, 3, S, S]` in another order: within each group of `group` every picture gets the one near it
    (Immiscible Diffusion, Li et al. 2024; the assignment of least total distance)."""
    order = []
    for start in range(0, len(x_0), group):
        rows = slice(start, start + group)
        cost = -(x_0[rows].flatten(1).float() @ eps[rows].flatten(1).float().T)
        order.append(start + torch.from_numpy(linear_sum_assignment(cost.float().cpu().numpy())[1]))
    return eps[torch.cat(order).to(eps.device)]


def noise_of(x_0: Tensor, seed: int, step: int) -> Tensor:
    """The noise of a step, a function of (seed, step) on one kind of device: a GPU draws its own."""
    if x_0.device.type == "cpu":
        return torch.randn(x_0.shape, generator=generator(seed, "eps", step))
    chance = torch.Generator(x_0.device).manual_seed(generator(seed, "eps", step).initial_seed())
    return torch.randn(x_0.shape, generator=chance, device=x_0.device)


def losses(
    unet: nn.Module, x_0: Tensor, states: Tensor, path: VariancePreserving, objective: Objective, seed: int, step: int
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """The weighted v loss and the variance loss of a step (scalars); tensors on one device."""
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
