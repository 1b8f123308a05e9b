"""Views of a picture for anagrams (Geng et al. 2024). A view must keep N(0, I) noise so: only orthogonal ones."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from fundiff.errors import UserError
from fundiff.params import nearest


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


VIEWS: dict[str, View] = {
    "identity": View(),
    "flip": Flip(),
    "mirror": Mirror(),
    "rotate_90": Rotate90(),
    "rotate_180": Rotate180(),
    "rotate_270": Rotate270(),
    "negate": Negate(),
}


def view_named(name: str) -> View:
    """The registered view. Raises UserError with the nearest name."""
    if name not in VIEWS:
        raise UserError(f"params.yaml: {name!r} is not a view; {nearest(name, list(VIEWS))}")
    return VIEWS[name]


def warped(x: Tensor, affine: Tensor) -> Tensor:
    """Images under an affine map `[2, 3]` of output to input coordinates; mid-grey (0) outside."""
    grid = F.affine_grid(affine.expand(len(x), 2, 3), list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, padding_mode="zeros", align_corners=False)


def afar(image: Tensor, share: float, enlarge: int = 1) -> Tensor:
    """A picture `[3, S, S]` made smaller by `share` in the middle of a white one of `enlarge` times its size."""
    side = image.shape[-1] * enlarge
    small = F.interpolate(image[None], size=max(1, round(side * share)), mode="bilinear", antialias=True)[0]
    canvas = torch.ones(image.shape[0], side, side, device=image.device)
    at = (side - small.shape[-1]) // 2
    canvas[:, at : at + small.shape[-1], at : at + small.shape[-1]] = small
    return canvas
