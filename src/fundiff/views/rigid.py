"""Views that move a picture as one rigid thing, or change its colours alone."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F


class View:
    """The identity; others override `view` and `inverse`, both `[B, C, H, W]` to the same shape."""

    label = "as it is"

    def view(self, x: Tensor) -> Tensor:
        """The picture as seen in this view."""
        return x

    def inverse(self, x: Tensor) -> Tensor:
        """Undoes `view`."""
        return x

    def inverse_variance(self, v: Tensor) -> Tensor:
        """Moves the variance's pixels back; unlike a noise estimate it has no sign to undo."""
        return self.inverse(v)

    def turned(self, x: Tensor, share: float) -> Tensor:
        """The picture on its way into the view, share from 0 to 1, for animations; here a cross-fade."""
        return (1 - share) * x + share * self.view(x)


class Flip(View):
    """Upside down by reflection, the course's flip."""

    label = "upside down"
    axis = -2

    def view(self, x: Tensor) -> Tensor:
        """The rows (or columns) in reverse order."""
        return x.flip(self.axis)

    inverse = view

    def turned(self, x: Tensor, share: float) -> Tensor:
        """The picture turned about its middle line like a card, narrow half way, on a grey ground."""
        width = math.cos(math.pi * share)
        squeezed = torch.eye(2, 3, device=x.device)
        row = 1 if self.axis == -2 else 0
        squeezed[row, row] = math.copysign(1 / max(abs(width), 0.02), width)
        return warped(x, squeezed)


class Mirror(Flip):
    """Left and right exchanged."""

    label = "mirrored"
    axis = -1


class Rotate90(View):
    """A quarter turn against the clock."""

    label = "turned left"
    quarters = 1

    def view(self, x: Tensor) -> Tensor:
        """The picture turned by `quarters` right angles."""
        return x.rot90(self.quarters, (-2, -1))

    def inverse(self, x: Tensor) -> Tensor:
        """The picture turned back."""
        return x.rot90(-self.quarters, (-2, -1))

    def turned(self, x: Tensor, share: float) -> Tensor:
        """The picture turned by a share of the angle, on a grey ground."""
        angle = math.pi / 2 * (self.quarters if self.quarters < 3 else -1) * share
        cos, sin = math.cos(angle), math.sin(angle)
        return warped(x, torch.tensor([[cos, -sin, 0], [sin, cos, 0]], device=x.device))


class Rotate180(Rotate90):
    """Half a turn: the page held upside down."""

    label = "upside down"
    quarters = 2


class Rotate270(Rotate90):
    """A quarter turn with the clock."""

    label = "turned right"
    quarters = 3


class Negate(View):
    """The photographic negative."""

    label = "as a negative"

    def view(self, x: Tensor) -> Tensor:
        """Light and dark exchanged."""
        return -x

    inverse = view

    def inverse_variance(self, v: Tensor) -> Tensor:
        """No pixel moves and a variance has no sign."""
        return v


class CycleColours(View):
    """Red becomes green, green blue, blue red: the hue circle turned by a third; white, grey and black stay."""

    label = "its colours turned"

    def view(self, x: Tensor) -> Tensor:
        """The channels moved on by one."""
        return x.roll(1, 1)

    def inverse(self, x: Tensor) -> Tensor:
        """The channels moved back."""
        return x.roll(-1, 1)

    def turned(self, x: Tensor, share: float) -> Tensor:
        """The colours on their way round the hue circle: a rotation about the axis of greys (Rodrigues)."""
        angle, grey = 2 * math.pi / 3 * share, x.mean(1, keepdim=True)
        across = (x.roll(1, 1) - x.roll(-1, 1)) / math.sqrt(3)
        return grey + math.cos(angle) * (x - grey) + math.sin(angle) * across


def warped(x: Tensor, affine: Tensor) -> Tensor:
    """Images under an affine map `[2, 3]` of output to input coordinates; mid-grey (0) outside."""
    grid = F.affine_grid(affine.expand(len(x), 2, 3), list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, padding_mode="zeros", align_corners=False)
