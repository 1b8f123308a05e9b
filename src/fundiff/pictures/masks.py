"""Masks for inpainting: 1 where new content goes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from pydantic import Field, model_validator
from torch import Tensor

from fundiff.pictures.opening import content_of, read
from fundiff.pictures.sources import Stroke, drawn, load_picture
from fundiff.pipeline.errors import UserError
from fundiff.pipeline.params import Section


class Mask(Section):
    """Where new content goes: a rectangle [top, left, bottom, right] in pixels (ends excluded), a file, or strokes.

    In a file the transparent pixels are marked. In an SVG, or a file without transparency, the light pixels are marked.
    """

    rectangle: tuple[int, int, int, int] | None = None
    file: str | None = Field(default=None, min_length=1)
    strokes: list[Stroke] | None = None

    @model_validator(mode="after")
    def one(self):
        """Exactly one of the three forms."""
        if sum(kind is not None for kind in (self.rectangle, self.file, self.strokes)) != 1:
            raise ValueError("exactly one of rectangle, file, strokes")
        return self


def load_mask(mask: Mask, size: int) -> Tensor:
    """The mask as `[1, size, size]` of 0 and 1. Raises UserError for another size, or if all or no pixels are marked."""
    values = np.zeros((size, size), np.float32)
    if mask.rectangle is not None:
        top, left, bottom, right = mask.rectangle
        if not (0 <= top < bottom <= size and 0 <= left < right <= size):
            raise UserError(
                f"params.yaml: mask rectangle {list(mask.rectangle)} does not lie in {size} x {size} pixels"
            )
        values[top:bottom, left:right] = 1
    elif mask.strokes is not None:
        white = [stroke.model_copy(update={"color": "white"}) for stroke in mask.strokes]
        values = light(drawn(white, "black").resize((size, size), Image.Resampling.BOX))
    else:
        values = mask_file(str(mask.file), size)
    if values.min() == values.max():
        raise UserError(f"params.yaml: the mask marks {'nothing' if values.max() == 0 else 'everything'}")
    return torch.from_numpy(values)[None]


def light(image: Image.Image) -> np.ndarray:
    """A mask `[H, W]`: 1 where an image is light (above 127), else 0."""
    return (np.asarray(image.convert("L")) > 127).astype(np.float32)


def mask_file(path: str, size: int) -> np.ndarray:
    """A mask's file as `[size, size]` of 0 and 1: 1 where it is transparent, or where it is light (see `Mask`).

    16-bit greys are stretched to the image's own range. Raises UserError for a missing file or another size.
    """
    drawing = path.lower().endswith(".svg")
    image = read(content_of(path, "mask"), path, stretched=True)
    if drawing and image.width == image.height:
        ground = Image.new("RGBA", image.size, "black")
        image = Image.alpha_composite(ground, image.convert("RGBA")).resize(
            (size, size), Image.Resampling.BOX
        )
    if image.size != (size, size):
        raise UserError(f"{path}: the mask is {image.width} x {image.height}; the picture is {size} x {size}")
    if not drawing and image.mode == "RGBA" and (alpha := np.asarray(image.getchannel("A"))).min() < 255:
        return (alpha < 128).astype(np.float32)
    return light(image)


def seam(image: Tensor, mask: Tensor) -> float:
    """Mean absolute difference of neighbouring pixels across the mask's border, on [0, 1]; image `[3, S, S]` in [-1, 1]."""
    steps = []
    for axis in (-1, -2):
        border = mask.diff(dim=axis).abs().bool()
        difference = image.diff(dim=axis).abs()
        steps.append(difference[border.expand_as(difference)])
    return float(torch.cat(steps).mean() / 2)


class MaskedPicture(Section):
    """A picture, a mask, and the prompt for the masked region."""

    image: str
    prompt: str
    mask: Mask


def load_masked(
    examples: Sequence[MaskedPicture], size: int, folder: str | Path, device: str
) -> tuple[Tensor, Tensor]:
    """The pictures of a folder `[B, 3, S, S]` in [-1, 1], and their masks `[B, 1, S, S]`, on a device."""
    originals = torch.stack([load_picture(folder, example.image, size) for example in examples]).to(device)
    return originals, torch.stack([load_mask(example.mask, size) for example in examples]).to(originals)
