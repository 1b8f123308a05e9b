"""Noise estimators of the digits' UNets: (x_t, t) -> Estimate, with v = None (no learned variance)."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from fundiff.digits.unet import UNet
from fundiff.pipeline.errors import UserError
from fundiff.process.predictions import Process
from fundiff.sampling.estimate import Estimate, Estimator

PIECE = 100  # images per call on a CPU: larger batches do not fit its cache and take twice as long per image


def pieces(x: Tensor) -> tuple[Tensor, ...]:
    """The batch `[B, ...]` in pieces of at most PIECE rows on a CPU, whole elsewhere."""
    return x.split(PIECE) if x.device.type == "cpu" else (x,)


def timed(unet: UNet, process: Process) -> Estimator:
    """Estimator of the time-conditioned UNet (course B2)."""

    def estimate(x_t: Tensor, t: float) -> Estimate:
        time = process.path.time(t).to(x_t.device).expand(len(x_t), 1)
        return Estimate(torch.cat([unet(x, time[: len(x)]).float() for x in pieces(x_t)]))

    return estimate


def check_guidance(unet: UNet, scales: Iterable[float]) -> None:
    """Raises UserError if a guidance scale needs an unconditional estimate and the network never learned one."""
    if not unet.unconditional and (guided := [scale for scale in scales if scale != 1]):
        raise UserError(
            f"guidance_scale is {guided[0]:g}, but the network was trained with class_drop 0 and has no unconditional "
            "estimate; set every guidance scale to 1, or train it with class_drop above 0"
        )


def classed(unet: UNet, labels: Tensor, process: Process, guidance_scale: float = 1.0) -> Estimator:
    """Classifier-free guidance of labels `[B]`: eps_u + g (eps_c - eps_u) (Ho & Salimans 2022); g = 1 means no guidance."""
    onehot = torch.nn.functional.one_hot(labels, unet.classes).float()
    return mixed(unet, onehot, process, guidance_scale)


def mixed(unet: UNet, weights: Tensor, process: Process, guidance_scale: float = 1.0) -> Estimator:
    """Guidance with mixed classes: weights `[B, classes]`, a one-hot row for a single class.

    The class enters after the bottleneck, so both branches share one pass of the encoder. Raises UserError for guidance
    of a network that was trained without dropped classes.
    """
    check_guidance(unet, [guidance_scale])

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
