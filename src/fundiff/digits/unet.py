"""The UNets of Part B, block by block as the course draws them."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Conv(nn.Sequential):
    """3 x 3 convolution, batch norm, GELU; keeps the size."""

    def __init__(self, c_in: int, c_out: int):
        super().__init__(nn.Conv2d(c_in, c_out, 3, 1, 1), nn.BatchNorm2d(c_out), nn.GELU())


class DownConv(nn.Sequential):
    """3 x 3 convolution of stride 2, batch norm, GELU; halves the size."""

    def __init__(self, c_in: int, c_out: int):
        super().__init__(nn.Conv2d(c_in, c_out, 3, 2, 1), nn.BatchNorm2d(c_out), nn.GELU())


class UpConv(nn.Sequential):
    """4 x 4 transposed convolution of stride 2, batch norm, GELU; doubles the size."""

    def __init__(self, c_in: int, c_out: int):
        super().__init__(nn.ConvTranspose2d(c_in, c_out, 4, 2, 1), nn.BatchNorm2d(c_out), nn.GELU())


class Flatten(nn.Sequential):
    """7 x 7 to 1 x 1 by average pooling, GELU."""

    def __init__(self):
        super().__init__(nn.AvgPool2d(7), nn.GELU())


class Unflatten(nn.Sequential):
    """1 x 1 to 7 x 7 by transposed convolution, batch norm, GELU."""

    def __init__(self, c: int):
        super().__init__(nn.ConvTranspose2d(c, c, 7, 7, 0), nn.BatchNorm2d(c), nn.GELU())


class ConvBlock(nn.Sequential):
    """Two Convs."""

    def __init__(self, c_in: int, c_out: int):
        super().__init__(Conv(c_in, c_out), Conv(c_out, c_out))


class DownBlock(nn.Sequential):
    """DownConv, ConvBlock."""

    def __init__(self, c_in: int, c_out: int):
        super().__init__(DownConv(c_in, c_out), ConvBlock(c_out, c_out))


class UpBlock(nn.Sequential):
    """UpConv, ConvBlock."""

    def __init__(self, c_in: int, c_out: int):
        super().__init__(UpConv(c_in, c_out), ConvBlock(c_out, c_out))


class FCBlock(nn.Sequential):
    """Linear, GELU, Linear: a conditioning signal `[B, f_in]` to one value per channel `[B, f_out]`."""

    def __init__(self, f_in: int, f_out: int):
        super().__init__(nn.Linear(f_in, f_out), nn.GELU(), nn.Linear(f_out, f_out))


class UNet(nn.Module):
    """The course's UNet for `[B, 1, 28, 28]`; `time` and `classes` add the conditioning of Part B.

    hidden is the course's D. The features are multiplied by the class and the time is added: `c1 * unflatten + t1`,
    `c2 * up1 + t2`. With `multiplied` and no class they are multiplied by the time (flow matching; course Part B, Fall 2025).
    unconditional: whether the training dropped classes; if not, there is no unconditional estimate for guidance.
    """

    def __init__(
        self,
        hidden: int,
        time: bool = False,
        classes: int = 0,
        multiplied: bool = False,
        unconditional: bool = True,
    ):
        super().__init__()
        d = hidden
        self.classes, self.multiplied, self.unconditional = classes, multiplied, unconditional
        self.conv = ConvBlock(1, d)
        self.down1 = DownBlock(d, d)
        self.down2 = DownBlock(d, 2 * d)
        self.flatten = Flatten()
        self.unflatten = Unflatten(2 * d)
        self.up1 = UpBlock(4 * d, d)
        self.up2 = UpBlock(2 * d, d)
        self.out = nn.Sequential(ConvBlock(2 * d, d), nn.Conv2d(d, 1, 3, 1, 1))
        if time:
            self.t1, self.t2 = FCBlock(1, 2 * d), FCBlock(1, d)
        if classes:
            self.c1, self.c2 = FCBlock(classes, 2 * d), FCBlock(classes, d)

    def encode(self, x: Tensor) -> list[Tensor]:
        """Features at 28, 14, 7 and 1 pixels; no conditioning reaches them."""
        conv = self.conv(x)
        down1 = self.down1(conv)
        down2 = self.down2(down1)
        return [conv, down1, down2, self.flatten(down2)]

    def decode(self, features: list[Tensor], t: Tensor | None = None, c: Tensor | None = None) -> Tensor:
        """The estimate `[B, 1, 28, 28]` from features, t `[B, 1]` in [0, 1] and a one-hot c `[B, classes]`."""
        conv, down1, down2, flat = features
        h = self.condition(self.unflatten(flat), "1", t, c)
        h = self.condition(self.up1(torch.cat([h, down2], 1)), "2", t, c)
        h = self.up2(torch.cat([h, down1], 1))
        return self.out(torch.cat([h, conv], 1))

    def condition(self, h: Tensor, place: str, t: Tensor | None, c: Tensor | None) -> Tensor:
        """`c * h + t`, without what is None; `h * t` if `multiplied` and no c. An all-zero c is the unconditional branch."""
        if c is not None:
            h = h * self.get_submodule(f"c{place}")(c)[..., None, None]
        if t is not None:
            told = self.get_submodule(f"t{place}")(t)[..., None, None]
            h = h * told if self.multiplied and c is None else h + told
        return h

    def forward(self, x: Tensor, t: Tensor | None = None, c: Tensor | None = None) -> Tensor:
        """x `[B, 1, 28, 28]`, t `[B, 1]` in [0, 1], c one-hot `[B, classes]` -> `[B, 1, 28, 28]`."""
        return self.decode(self.encode(x), t, c)
