"""Weights of a network for inference, cast and reordered once: PyTorch would do that again in every call."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class PackedConv2d(nn.Module):
    """nn.Conv2d on a CPU with weights in the memory order of oneDNN; it computes the same function.

    For a batch of two pictures, reordering the weights takes about as long as the convolution.
    """

    def __init__(self, conv: nn.Conv2d, dtype: torch.dtype):
        super().__init__()
        self.weight = conv.weight.detach().to(dtype)
        self.bias = None if conv.bias is None else conv.bias.detach().to(dtype)
        self.shape = list(conv.padding), list(conv.stride), list(conv.dilation), conv.groups

    def forward(self, x: Tensor) -> Tensor:
        """`[B, C, H, W]` to `[B, C', H', W']`, in the dtype of the weights."""
        if not self.weight.is_mkldnn:  # which order is best depends on the pictures' size
            self.weight = torch.ops.mkldnn._reorder_convolution_weight(
                self.weight, *self.shape, list(x.shape)
            )
        return torch.ops.mkldnn._convolution_pointwise(
            x.to(self.weight.dtype), self.weight, self.bias, *self.shape, "none", [], ""
        )


def packs(dtype: torch.dtype) -> bool:
    """Whether this build of PyTorch and this CPU have packed convolutions in `dtype`."""
    if not torch.backends.mkldnn.is_available() or not hasattr(torch.ops.mkldnn, "_convolution_pointwise"):
        return False
    return dtype == torch.float32 or (
        dtype == torch.bfloat16 and torch.ops.mkldnn._is_mkldnn_bf16_supported()
    )


def packed(network: nn.Module, dtype: torch.dtype) -> nn.Module:
    """The network with its weights cast to `dtype` (autocast would do that in every call), and packed where possible."""
    packing = packs(dtype)
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if packing and type(child) is nn.Conv2d and child.kernel_size != (1, 1):
                setattr(module, name, PackedConv2d(child, dtype))
            elif type(child) in (nn.Conv2d, nn.Linear):
                child.to(dtype)
    return network
