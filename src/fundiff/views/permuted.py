"""Views that permute pixels. A permutation is orthogonal, so N(0, I) noise stays N(0, I); its inverse is exact."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from fundiff.pipeline.errors import UserError
from fundiff.pipeline.noise import generator
from fundiff.views.rigid import Rotate90, View


class Permutation(View):
    """Pixel i of the view is pixel `order(S)[i]` of the picture; pixels are numbered row by row."""

    label = "its pixels rearranged"

    def order(self, side: int) -> Tensor:
        """`[S * S]` source positions. Here the identity."""
        return torch.arange(side * side)

    def orders(self, side: int) -> tuple[Tensor, Tensor]:
        """The order and its inverse, computed once for each side."""
        known = self.__dict__.setdefault("known", {})
        if side not in known:
            order = self.order(side)
            known[side] = order, order.argsort()
        return known[side]

    def moved(self, x: Tensor, order: Tensor) -> Tensor:
        """x `[B, C, S, S]` with its pixels in the given order."""
        return x.flatten(-2)[..., order.to(x.device)].view_as(x)

    def view(self, x: Tensor) -> Tensor:
        """The permuted picture."""
        return self.moved(x, self.orders(x.shape[-1])[0])

    def inverse(self, x: Tensor) -> Tensor:
        """Every pixel back in its place."""
        return self.moved(x, self.orders(x.shape[-1])[1])

    def turned(self, x: Tensor, share: float) -> Tensor:
        """Every pixel on a straight line to its new place, on grey."""
        side = x.shape[-1]
        order = self.orders(side)[0]
        start = torch.stack([order // side, order % side]).float()
        end = torch.stack([torch.arange(side * side) // side, torch.arange(side * side) % side]).float()
        row, column = ((1 - share) * start + share * end).round().long()
        canvas = torch.zeros_like(x).flatten(-2)
        canvas[..., row * side + column] = x.flatten(-2)[..., order]
        return canvas.view_as(x)


class Skew(Permutation):
    """Columns shifted down cyclically, each by one pixel more than its left neighbour."""

    label = "skewed"

    def order(self, side: int) -> Tensor:
        """Shift column c by c - S / 2 rows."""
        row, column = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
        return ((row - column + side // 2) % side * side + column).flatten()


class Squares(Permutation):
    """A 4 x 4 board of squares, shuffled (seeded)."""

    label = "its squares shuffled"
    cells, seed = 4, 0

    def order(self, side: int) -> Tensor:
        """Whole squares in a random order. Raises UserError if 4 does not divide the side."""
        if side % self.cells:
            raise UserError(f"view squares: {side} pixels are no multiple of {self.cells}")
        size = side // self.cells
        blocks = (
            torch.arange(side * side).view(self.cells, size, self.cells, size).transpose(1, 2).flatten(0, 1)
        )
        shuffled = blocks[torch.randperm(self.cells**2, generator=generator(self.seed, "squares"))]
        return shuffled.unflatten(0, (self.cells, self.cells)).transpose(1, 2).flatten()


class Pixels(Permutation):
    """All pixels shuffled (seeded)."""

    label = "its pixels shuffled"
    seed = 0

    def order(self, side: int) -> Tensor:
        """A random order of all pixels."""
        return torch.randperm(side * side, generator=generator(self.seed, "pixels"))


class Turned(Permutation):
    """Every pixel turned about the centre by a number of right angles.

    The number must be the same for four pixels that a quarter turn of the picture maps to each other. Otherwise two pixels
    would move to the same place.
    """

    def quarters(self, row: Tensor, column: Tensor, side: int) -> Tensor:
        """Right angles counter-clockwise `[S, S]`; must be invariant under a quarter turn."""
        raise NotImplementedError

    def order(self, side: int) -> Tensor:
        """Positions turned by `quarters`."""
        row, column = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
        positions = torch.arange(side * side).view(1, 1, side, side)
        turned = torch.stack([positions.rot90(k, (-2, -1))[0, 0] for k in range(4)])
        return turned.gather(0, self.quarters(row, column, side)[None])[0].flatten()


class InnerCircle(Turned):
    """The central disc turned by a right angle; the rest stays."""

    label = "its inner circle turned"

    def quarters(self, row: Tensor, column: Tensor, side: int) -> Tensor:
        """1 inside the circle whose diameter is 0.7 of the side, else 0."""
        middle = (side - 1) / 2
        return ((row - middle) ** 2 + (column - middle) ** 2 < (0.35 * side) ** 2).long()

    def turned(self, x: Tensor, share: float) -> Tensor:
        """The disc turned by a share of the angle."""
        side = x.shape[-1]
        row, column = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
        inside = self.quarters(row, column, side).bool().to(x.device)
        return torch.where(inside, Rotate90().turned(x, share), x)


class Jigsaw(Turned):
    """Sixteen interlocking pieces, each moved to the place of the equal piece in another quarter."""

    label = "as another jigsaw"

    def quarters(self, row: Tensor, column: Tensor, side: int) -> Tensor:
        """The number of right angles for each of the four pieces of a quarter; their tabs reach into the next piece."""
        middle, piece, tab = (side - 1) / 2, side / 4, side / 14
        y, x = row - middle, column - middle
        # Rotate all coordinates into the first quarter (y < 0 <= x). So four pixels that a quarter turn maps
        # to each other get the same number.
        for _ in range(3):
            wrong = ~((y < 0) & (x >= 0))
            y, x = torch.where(wrong, -x, y), torch.where(wrong, y, x)
        y, x = -y, x

        def knob(at_y: float, at_x: float) -> Tensor:
            return (y - at_y) ** 2 + (x - at_x) ** 2 < tab**2

        upper, right = y > piece, x > piece
        right = (right | knob(0.5 * piece, 0.8 * piece)) & ~knob(1.5 * piece, 1.2 * piece)
        upper = (upper | knob(0.8 * piece, 1.5 * piece)) & ~knob(1.2 * piece, 0.5 * piece)
        return torch.tensor([[1, 3], [2, 0]])[upper.long(), right.long()]


class FromFile(Permutation):
    """A permutation from a .npy file of S * S integers, each of 0 to S * S - 1 once."""

    def __init__(self, path: str):
        self.path = Path(path)

    def order(self, side: int) -> Tensor:
        """The file's order. Raises UserError if the file is missing, has another size, or is not a permutation."""
        try:
            order = np.load(self.path, allow_pickle=False).ravel()
        except (OSError, ValueError):
            raise UserError(f"view {self.path}: not found or not a .npy file") from None
        if len(order) != side * side or not np.array_equal(np.sort(order), np.arange(side * side)):
            raise UserError(f"view {self.path}: expected a permutation of the numbers 0 to {side * side - 1}")
        return torch.from_numpy(order.astype(np.int64))
