"""Estimators of the digits' UNets: (x_t, t) -> Estimate of what the process asks for, without a learned variance."""

from __future__ import annotations

import torch
from torch import Tensor

from fundiff.digits.unet import UNet
from fundiff.process.predictions import Process
from fundiff.sampling.estimate import Estimate, Estimator

PIECE = 100  # images that a CPU takes at once: more leave its cache and halve the speed


def pieces(x: Tensor) -> tuple[Tensor, ...]:
    """A batch in the pieces that suit its device."""
    return x.split(PIECE) if x.device.type == "cpu" else (x,)


def timed(unet: UNet, process: Process) -> Estimator:
    """The time-conditioned UNet of Part B."""

    def estimate(x_t: Tensor, t: float) -> Estimate:
        time = process.path.time(t).to(x_t.device).expand(len(x_t), 1)
        return Estimate(torch.cat([unet(x, time[: len(x)]).float() for x in pieces(x_t)]))

    return estimate


def classed(unet: UNet, labels: Tensor, process: Process, guidance_scale: float = 1.0) -> Estimator:
    """Classifier-free guidance on digits: eps_u + g (eps_c - eps_u) (Ho & Salimans 2022); labels `[B]`."""
    onehot = torch.nn.functional.one_hot(labels, unet.classes).float()
    return mixed(unet, onehot, process, guidance_scale)


def mixed(unet: UNet, weights: Tensor, process: Process, guidance_scale: float = 1.0) -> Estimator:
    """The same with some of every class; weights `[B, classes]`, a one-hot row for a plain class.

    The class enters behind the bottleneck, so both branches share one pass of the encoder.
    """

    def guided(x: Tensor, c: Tensor, t: float) -> Tensor:
        time = process.path.time(t).to(x.device).expand(len(x), 1)
        features = unet.encode(x)
        if guidance_scale == 1:
            return unet.decode(features, time, c).float()
        both = [torch.cat([f, f]) for f in features]
        eps = unet.decode(both, torch.cat([time, time]), torch.cat([c, torch.zeros_like(c)]))
        eps_c, eps_u = eps.float().chunk(2)
        return eps_u + guidance_scale * (eps_c - eps_u)

    def estimate(x_t: Tensor, t: float) -> Estimate:
        parts = zip(pieces(x_t), pieces(weights[: len(x_t)]), strict=True)
        return Estimate(torch.cat([guided(x, c, t) for x, c in parts]))

    return estimate
