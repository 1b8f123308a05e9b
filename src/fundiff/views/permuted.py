"""Views that rearrange pixels. A permutation is orthogonal, so noise stays noise, and its inverse is exact."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from fundiff.pipeline.errors import UserError
from fundiff.pipeline.noise import generator
from fundiff.views.rigid import Rotate90, View


class Permutation(View):
    """Pixel i of the view is pixel `order(S)[i]` of the picture, counted row by row."""

    label = "its pixels rearranged"

    def order(self, side: int) -> Tensor:
        """`[S * S]` source positions. Here the identity."""
        return torch.arange(side * side)

    def orders(self, side: int) -> tuple[Tensor, Tensor]:
        """The order and its inverse, computed once a side."""
        known = self.__dict__.setdefault("known", {})
        if side not in known:
            order = self.order(side)
            known[side] = order, order.argsort()
        return known[side]

    def moved(self, x: Tensor, order: Tensor) -> Tensor:
        """Pixels of `[B, C, S, S]` taken in an order."""
        return x.flatten(-2)[..., order.to(x.device)].view_as(x)

    def view(self, x: Tensor) -> Tensor:
        """The picture rearranged."""
        return self.moved(x, self.orders(x.shape[-1])[0])

    def inverse(self, x: Tensor) -> Tensor:
        """Every pixel back in its place."""
        return self.moved(x, self.orders(x.shape[-1])[1])

    def turned(self, x: Tensor, share: float) -> Tensor:
        """Every pixel on its straight way to its new place, on a grey ground."""
        side = x.shape[-1]
        order = self.orders(side)[0]
        start = torch.stack([order // side, order % side]).float()
        end = torch.stack([torch.arange(side * side) // side, torch.arange(side * side) % side]).float()
        row, column = ((1 - share) * start + share * end).round().long()
        canvas = torch.zeros_like(x).flatten(-2)
        canvas[..., row * side + column] = x.flatten(-2)[..., order]
        return canvas.view_as(x)


class Skew(Permutation):
    """Columns slid down, each by one pixel more than the one to its left; what leaves below comes in above."""

    label = "skewed"

    def order(self, side: int) -> Tensor:
        """Column c comes from c pixels higher."""
        row, column = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
        return ((row - column + side // 2) % side * side + column).flatten()


class Squares(Permutation):
    """A 4 x 4 board of squares, shuffled (seeded)."""

    label = "its squares shuffled"
    cells, seed = 4, 0

    def order(self, side: int) -> Tensor:
        """Whole squares in a random order. Raises UserError for a side that the squares do not divide."""
        if side % self.cells:
            raise UserError(f"view squares: {side} pixels are no multiple of {self.cells}")
        size = side // self.cells
        blocks = (
            torch.arange(side * side).view(self.cells, size, self.cells, size).transpose(1, 2).flatten(0, 1)
        )
        shuffled = blocks[torch.randperm(self.cells**2, generator=generator(self.seed, "squares"))]
        return shuffled.unflatten(0, (self.cells, self.cells)).transpose(1, 2).flatten()


class Pixels(Permutation):
    """Every pixel shuffled (seeded): in its other view the picture is noise."""

    label = "its pixels shuffled"
    seed = 0

    def order(self, side: int) -> Tensor:
        """A random order of all pixels."""
        return torch.randperm(side * side, generator=generator(self.seed, "pixels"))


class Turned(Permutation):
    """Every pixel turned about the middle by its own number of right angles, the same for the four that it turns to."""

    def quarters(self, row: Tensor, column: Tensor, side: int) -> Tensor:
        """`[S, S]` right angles against the clock; must not change under a quarter turn of the whole."""
        raise NotImplementedError

    def order(self, side: int) -> Tensor:
        """Positions turned by `quarters`."""
        row, column = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
        positions = torch.arange(side * side).view(1, 1, side, side)
        turned = torch.stack([positions.rot90(k, (-2, -1))[0, 0] for k in range(4)])
        return turned.gather(0, self.quarters(row, column, side)[None])[0].flatten()


class InnerCircle(Turned):
    """The disc in the middle turned by a right angle, the rest left as it is."""

    label = "its inner circle turned"

    def quarters(self, row: Tensor, column: Tensor, side: int) -> Tensor:
        """1 inside the circle of seven tenths of the side."""
        middle = (side - 1) / 2
        return ((row - middle) ** 2 + (column - middle) ** 2 < (0.35 * side) ** 2).long()

    def turned(self, x: Tensor, share: float) -> Tensor:
        """The disc on its way round."""
        side = x.shape[-1]
        row, column = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
        inside = self.quarters(row, column, side).bool().to(x.device)
        return torch.where(inside, Rotate90().turned(x, share), x)


class Jigsaw(Turned):
    """Sixteen interlocking pieces, each put in the place of its like in another quarter of the picture."""

    label = "as another jigsaw"

    def quarters(self, row: Tensor, column: Tensor, side: int) -> Tensor:
        """A number for each of the four pieces of a quarter; tabs reach over the lines between them."""
        middle, piece, tab = (side - 1) / 2, side / 4, side / 14
        y, x = row - middle, column - middle
        # Turn every pixel into the first quarter (y < 0 <= x), so that the four alike get the same number.
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
    """A permutation from a .npy file: S * S whole numbers, each position of the picture once."""

    def __init__(self, path: str):
        self.path = Path(path)

    def order(self, side: int) -> Tensor:
        """The file's order. Raises UserError for a missing file, another size, or one that is no permutation."""
        try:
            order = np.load(self.path, allow_pickle=False).ravel()
        except (OSError, ValueError):
            raise UserError(f"view {self.path}: not found or not a .npy file") from None
        if len(order) != side * side or not np.array_equal(np.sort(order), np.arange(side * side)):
            raise UserError(f"view {self.path}: expected a permutation of the numbers 0 to {side * side - 1}")
        return torch.from_numpy(order.astype(np.int64))
