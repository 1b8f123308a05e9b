"""Views that flip or rotate a picture, or change its colours."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F


class View:
    """The identity. Subclasses override `view` and `inverse`; both take `[B, C, H, W]` and return the same shape."""

    label = "as it is"

    def view(self, x: Tensor) -> Tensor:
        """The picture in this view."""
        return x

    def inverse(self, x: Tensor) -> Tensor:
        """Undoes `view`."""
        return x

    def inverse_variance(self, v: Tensor) -> Tensor:
        """Undoes the view for the variance v. It moves pixels back, but unlike eps v keeps its sign."""
        return self.inverse(v)

    def turned(self, x: Tensor, share: float) -> Tensor:
        """A frame of the animation into the view, share from 0 to 1; here a cross-fade."""
        return (1 - share) * x + share * self.view(x)


class Flip(View):
    """Rows in reverse order, the course's flip."""

    label = "upside down"
    axis = -2

    def view(self, x: Tensor) -> Tensor:
        """The rows (or columns) in reverse order."""
        return x.flip(self.axis)

    inverse = view

    def turned(self, x: Tensor, share: float) -> Tensor:
        """The picture turned about its middle line like a card, on grey."""
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
    """A quarter turn counter-clockwise."""

    label = "turned left"
    quarters = 1

    def view(self, x: Tensor) -> Tensor:
        """The picture turned by `quarters` right angles."""
        return x.rot90(self.quarters, (-2, -1))

    def inverse(self, x: Tensor) -> Tensor:
        """The picture turned back."""
        return x.rot90(-self.quarters, (-2, -1))

    def turned(self, x: Tensor, share: float) -> Tensor:
        """The picture turned by a share of the angle, on grey."""
        angle = math.pi / 2 * (self.quarters if self.quarters < 3 else -1) * share
        cos, sin = math.cos(angle), math.sin(angle)
        return warped(x, torch.tensor([[cos, -sin, 0], [sin, cos, 0]], device=x.device))


class Rotate180(Rotate90):
    """Half a turn."""

    label = "rotated by 180 degrees"
    quarters = 2


class Rotate270(Rotate90):
    """A quarter turn clockwise."""

    label = "turned right"
    quarters = 3


class Negate(View):
    """The photographic negative."""

    label = "as a negative"

    def view(self, x: Tensor) -> Tensor:
        """-x."""
        return -x

    inverse = view

    def inverse_variance(self, v: Tensor) -> Tensor:
        """No pixel moves and a variance has no sign."""
        return v


class CycleColours(View):
    """Channels moved cyclically: red becomes green, green blue, blue red. Greys stay."""

    label = "colours exchanged"

    def view(self, x: Tensor) -> Tensor:
        """The channels moved on by one."""
        return x.roll(1, 1)

    def inverse(self, x: Tensor) -> Tensor:
        """The channels moved back."""
        return x.roll(-1, 1)

    def turned(self, x: Tensor, share: float) -> Tensor:
        """Colours rotated about the grey axis by a share of 120 degrees (Rodrigues' formula)."""
        angle, grey = 2 * math.pi / 3 * share, x.mean(1, keepdim=True)
        across = (x.roll(1, 1) - x.roll(-1, 1)) / math.sqrt(3)
        return grey + math.cos(angle) * (x - grey) + math.sin(angle) * across


def warped(x: Tensor, affine: Tensor) -> Tensor:
    """x `[B, C, H, W]` under an affine map `[2, 3]` from output to input coordinates; grey (0) outside."""
    grid = F.affine_grid(affine.expand(len(x), 2, 3), list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, padding_mode="zeros", align_corners=False)
