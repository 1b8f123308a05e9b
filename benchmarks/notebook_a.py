"""Part A as a student's notebook would run it: one picture at a time, fp32, two UNet calls for guidance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

Estimate = Callable[[Tensor, int], tuple[Tensor, Tensor]]


class Notebook:
    """The notebook's functions on an IFPipeline. draw(*shape) gives noise."""

    def __init__(self, pipe: Any, device: str = "cpu", draw: Callable[..., Tensor] = torch.randn):
        self.pipe, self.device, self.draw = pipe, device, draw
        self.unet = pipe.unet.to(device)
        self.alpha_bars = pipe.scheduler.alphas_cumprod

    def embeddings(self, prompt: str) -> Tensor:
        """The prompt's token states `[1, 77, C]`."""
        states, _ = self.pipe.encode_prompt(prompt, do_classifier_free_guidance=False)
        return states.to(self.device)

    def noise(self) -> Tensor:
        """Noise `[1, 3, S, S]`."""
        size = self.unet.config.sample_size
        return self.draw(1, 3, size, size).to(self.device)

    def ask(self, x: Tensor, t: int, states: Tensor) -> tuple[Tensor, Tensor]:
        """(eps, v) of one image at t, one UNet call."""
        said = self.unet(x, t, encoder_hidden_states=states, return_dict=False)[0]
        eps, v = said.split(3, 1)
        if self.pipe.scheduler.config.prediction_type == "v_prediction":
            eps = self.alpha_bars[t].sqrt() * eps + (1 - self.alpha_bars[t]).sqrt() * x
        return eps, v

    def guided(self, prompt: Tensor, unconditional: Tensor, scale: float) -> Estimate:
        """Guidance by two UNet calls."""

        def estimate(x: Tensor, t: int) -> tuple[Tensor, Tensor]:
            eps_c, v = self.ask(x, t, prompt)
            eps_u, _ = self.ask(x, t, unconditional)
            return eps_u + scale * (eps_c - eps_u), v

        return estimate

    def forward(self, image: Tensor, t: int) -> Tensor:
        """The image noised to t."""
        return self.alpha_bars[t].sqrt() * image + (1 - self.alpha_bars[t]).sqrt() * self.noise()

    def step(self, x: Tensor, t: int, t_prev: int, eps: Tensor, v: Tensor) -> Tensor:
        """x at t_prev by the course's formula, with the learned variance."""
        alpha_bar, alpha_bar_prev = self.alpha_bars[t], self.alpha_bars[t_prev]
        alpha = alpha_bar / alpha_bar_prev
        beta = 1 - alpha
        x0 = (x - (1 - alpha_bar).sqrt() * eps) / alpha_bar.sqrt()
        smallest = (beta * (1 - alpha_bar_prev) / (1 - alpha_bar)).log()
        share = (v + 1) / 2
        deviation = (0.5 * (share * beta.log() + (1 - share) * smallest)).exp()
        mean = alpha_bar_prev.sqrt() * beta / (1 - alpha_bar) * x0
        mean = mean + alpha.sqrt() * (1 - alpha_bar_prev) / (1 - alpha_bar) * x
        return mean + deviation * self.noise()

    @torch.no_grad()
    def denoise(self, x: Tensor, estimate: Estimate, timesteps: Sequence[int]) -> Tensor:
        """One image from its first timestep to the last."""
        for t, t_prev in pairwise(timesteps):
            x = self.step(x, t, t_prev, *estimate(x, t))
        return x

    @torch.no_grad()
    def inpaint(
        self,
        image: Tensor,
        mask: Tensor,
        estimate: Estimate,
        timesteps: Sequence[int],
        length: int,
        times: int,
    ) -> Tensor:
        """One image filled where the mask is 1, by RePaint: every `length` steps are taken `times` times."""
        x, at = self.noise(), 0
        while at < len(timesteps) - 1:
            end = min(at + length, len(timesteps) - 1)
            for again in range(times):
                if again:
                    kept = self.alpha_bars[timesteps[at]] / self.alpha_bars[timesteps[end]]
                    x = kept.sqrt() * x + (1 - kept).sqrt() * self.noise()
                for t, t_prev in pairwise(timesteps[at : end + 1]):
                    x = self.step(x, t, t_prev, *estimate(x, t))
                    x = mask * x + (1 - mask) * self.forward(image, t_prev)
            at = end
        return x


def flipped(first: Estimate, second: Estimate) -> Estimate:
    """The course's anagram: the mean of the first estimate, and of the second one for the picture upside down."""

    def estimate(x: Tensor, t: int) -> tuple[Tensor, Tensor]:
        eps, v = first(x, t)
        eps_flipped, v_flipped = second(x.flip(-2), t)
        return (eps + eps_flipped.flip(-2)) / 2, (v + v_flipped.flip(-2)) / 2

    return estimate
