"""Pictures at four times their size: resized, or by Real-ESRGAN through the views in which they are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

from fundiff.pictures.sources import from_image
from fundiff.prior.realesrgan import FACTOR, RealESRGAN
from fundiff.sampling.estimators import lowpass
from fundiff.views.registry import commutes_with_resizing, view_named
from fundiff.views.rigid import View


def resized(image: Image.Image) -> Image.Image:
    """The image enlarged by Lanczos's filter."""
    return image.resize((FACTOR * image.width, FACTOR * image.height), Image.Resampling.LANCZOS)


def true_from_afar(large: Tensor, small: Tensor) -> Tensor:
    """A large picture with the low frequencies of the small one, by back-projection (Irani and Peleg 1991).

    What the shrunk large picture lacks is added. The fine part of it is not: that is the grain that the upscaler removed.
    """
    for _ in range(2):
        missing = lowpass(small - avg_pool2d(large, FACTOR), 9, 1.0)
        large = large + interpolate(missing, scale_factor=FACTOR, mode="bilinear")
    return large


@torch.no_grad()
def upscaled(network: RealESRGAN, pictures: Tensor, views: Sequence[View]) -> Tensor:
    """Pictures `[B, 3, S, S]` in [-1, 1] to `[B, 3, 4S, 4S]`: each view is enlarged and turned back, then the mean is taken.

    The views must commute with resizing. An anagram favours none of its readings, and a hybrid keeps both of its readings.
    """
    readings = [view.inverse(2 * network((view.view(pictures) + 1) / 2) - 1) for view in views]
    return true_from_afar(torch.stack(readings).mean(0), pictures).clamp(-1, 1)


def anagram_views(stage: str, numbers: Mapping[str, Any]) -> dict[str, list[str]]:
    """The path of each anagram of a stage -> its views' names, from the stage's metrics."""
    return {
        f"report/figures/{stage}/single/{name}.png": [reading["seen"] for reading in row["readings"]]
        for name, row in numbers.items()
        if "readings" in row
    }


@dataclass(frozen=True)
class Upscaler:
    """Enlarges pictures: by Real-ESRGAN, or without a network by Lanczos's filter. views: path of an anagram -> its views."""

    network: RealESRGAN | None
    views: Mapping[str, Sequence[str]]

    def __call__(self, name: str, image: Image.Image) -> tuple[Image.Image | Tensor, str]:
        """A picture at four times its size, and how: "realesrgan", or "resize", also if a view does not commute with resizing."""
        views = [view_named(view) for view in self.views.get(name, ["identity"])]
        if self.network is None or not all(map(commutes_with_resizing, views)):
            return resized(image), "resize"
        device = next(self.network.parameters()).device
        return upscaled(self.network, from_image(image)[None].to(device), views)[0], "realesrgan"
