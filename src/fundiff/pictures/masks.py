"""Masks for inpainting: 1 where new content goes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from pydantic import model_validator
from torch import Tensor

from fundiff.pictures.sources import Stroke, drawn, opened
from fundiff.pipeline.errors import UserError
from fundiff.pipeline.params import Section


class Mask(Section):
    """Where new content goes: in a rectangle [top, left, bottom, right] (ends excluded), light pixels or strokes."""

    rectangle: tuple[int, int, int, int] | None = None
    file: str | None = None
    strokes: list[Stroke] | None = None

    @model_validator(mode="after")
    def one(self):
        """Exactly one form."""
        if sum(kind is not None for kind in (self.rectangle, self.file, self.strokes)) != 1:
            raise ValueError("exactly one of rectangle, file, strokes")
        return self


def load_mask(mask: Mask, size: int) -> Tensor:
    """The mask as `[1, size, size]` of 0 and 1. Raises UserError for another size or one that marks nothing."""
    values = np.zeros((size, size), np.float32)
    if mask.rectangle is not None:
        top, left, bottom, right = mask.rectangle
        if not (0 <= top < bottom <= size and 0 <= left < right <= size):
            raise UserError(
                f"params.yaml: mask rectangle {list(mask.rectangle)} does not lie in {size} x {size} pixels"
            )
        values[top:bottom, left:right] = 1
    else:
        if mask.strokes is not None:
            white = [stroke.model_copy(update={"color": "white"}) for stroke in mask.strokes]
            image = drawn(white, "black").resize((size, size), Image.Resampling.BOX)
        else:
            image = mask_file(str(mask.file), size)
        values = (np.asarray(image.convert("L")) > 127).astype(np.float32)
    if values.min() == values.max():
        raise UserError(f"params.yaml: the mask marks {'nothing' if values.max() == 0 else 'everything'}")
    return torch.from_numpy(values)[None]


def mask_file(path: str, size: int) -> Image.Image:
    """A mask's image. Raises UserError where it is missing or of another size than the picture."""
    if not Path(path).is_file():
        raise UserError(f"{path}: no such mask; give its path from the project's root")
    image = opened(Path(path).read_bytes(), path, "black")
    if path.lower().endswith(".svg"):
        return image.resize((size, size), Image.Resampling.BOX)
    if image.size != (size, size):
        raise UserError(f"{path}: the mask is {image.width} x {image.height}; the picture is {size} x {size}")
    return image


def seam(image: Tensor, mask: Tensor) -> float:
    """Mean absolute difference of neighbouring pixels across the mask's border; image `[3, S, S]` in [-1, 1]."""
    steps = []
    for axis in (-1, -2):
        border = mask.diff(dim=axis).abs().bool()
        difference = image.diff(dim=axis).abs()
        steps.append(difference[border.expand_as(difference)])
    return float(torch.cat(steps).mean() / 2)
