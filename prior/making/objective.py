"""What the prior is trained on: v-prediction with a learned-range variance on a schedule's x_t."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor, nn

from fundiff.pipeline.noise import generator


@dataclass(frozen=True)
class Objective:
    """The loss: min-SNR weighting between a floor and gamma, the variance's weight, the times' law ("even" or
    "logit-normal"), and in what groups noise is assigned to the nearest pictures (0: not)."""

    snr_floor: float
    snr_gamma: float
    variance_weight: float
    times: str = "even"
    immiscible: int = 0


def posterior_log_variances(alphas_cumprod: Tensor) -> tuple[Tensor, Tensor]:
    """Log of the smallest and the largest variance of a reverse step, `[T]` each ("Improved DDPM",
    equation 15)."""
    before = torch.cat([alphas_cumprod.new_ones(1), alphas_cumprod[:-1]])
    beta = 1 - alphas_cumprod / before
    smallest = beta * (1 - before) / (1 - alphas_cumprod)
    smallest[0] = smallest[1]  # it is 0 at t = 0, where its log does not exist
    return smallest.log(), beta.log()


def variance_loss(
    x_0: Tensor, x_t: Tensor, v: Tensor, share: Tensor, t: Tensor, alphas_cumprod: Tensor
) -> Tensor:
    """KL between the true reverse step and the learned one, nats per value `[B]`; the mean is not trained
    by it.

    `share` is the network's variance output, in [-1, 1] where it lies between the smallest and the largest.
    """
    alpha_bar = alphas_cumprod[t].view(-1, 1, 1, 1)
    before = torch.where(t > 0, alphas_cumprod[t - 1], 1.0).view(-1, 1, 1, 1)
    smallest, largest = (bound[t].view(-1, 1, 1, 1) for bound in posterior_log_variances(alphas_cumprod))
    log_variance = 0.5 * (share + 1) * largest + 0.5 * (1 - share) * smallest
    estimate = alpha_bar.sqrt() * x_t - (1 - alpha_bar).sqrt() * v.detach()
    # Both means share their x_t term, so that only the x_0 term is left of their difference.
    difference = before.sqrt() * (1 - alpha_bar / before) / (1 - alpha_bar) * (x_0 - estimate)
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
    unet: nn.Module, x_0: Tensor, states: Tensor, alphas_cumprod: Tensor, objective: Objective, seed: int, step: int
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """The weighted v loss and the variance loss of a step (scalars); all tensors on one device."""
    t = timesteps(len(x_0), len(alphas_cumprod), generator(seed, "noise", step), objective.times).to(
        x_0.device
    )
    eps = noise_of(x_0, seed, step)
    if objective.immiscible:
        eps = nearest_noise(x_0, eps, objective.immiscible)
    alpha_bar = alphas_cumprod[t].view(-1, 1, 1, 1)
    x_t = alpha_bar.sqrt() * x_0 + (1 - alpha_bar).sqrt() * eps
    v_true = alpha_bar.sqrt() * eps - (1 - alpha_bar).sqrt() * x_0
    out = unet(x_t, t, encoder_hidden_states=states, return_dict=False)[0].float()
    v, share = out.chunk(2, dim=1)
    snr = alphas_cumprod[t] / (1 - alphas_cumprod[t])
    # min-SNR (Hang et al. 2023) for v-prediction; the floor keeps a say to the noisiest timesteps, which decide where
    # things stand.
    weight = snr.clamp(objective.snr_floor, objective.snr_gamma) / (snr + 1)
    v_loss = (weight * (v - v_true).square().mean(dim=(1, 2, 3))).mean()
    return v_loss, variance_loss(x_0, x_t, v, share, t, alphas_cumprod).mean()
