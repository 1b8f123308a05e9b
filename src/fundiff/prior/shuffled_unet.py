"""diffusers' UNet2DConditionModel on a coarser grid: the network first moves pixels into channels (pixel unshuffle).

It needs little computation, so two CPU cores can train it. `IFPipeline` takes it in place of the stock class: the config
file has the same keys, with `in_channels` 3, `out_channels` 6 and `sample_size` 64.
"""

from __future__ import annotations

import inspect

import torch
from diffusers import UNet2DConditionModel
from diffusers.models.unets.unet_2d_condition import UNet2DConditionOutput
from torch import Tensor
from torch.nn.functional import pixel_shuffle, pixel_unshuffle


class ShuffledUNet2DConditionModel(UNet2DConditionModel):
    """UNet2DConditionModel whose blocks work at `sample_size / shuffle`; `[B, 3, S, S]` to `[B, 6, S, S]`."""

    def __init__(
        self, shuffle: int = 4, sample_size: int = 64, in_channels: int = 3, out_channels: int = 6, **config
    ):
        if sample_size % shuffle:
            raise ValueError(f"sample_size {sample_size} is not a multiple of shuffle {shuffle}")
        area = shuffle * shuffle
        super().__init__(sample_size // shuffle, in_channels * area, out_channels * area, **config)
        # The parent registered the inner sizes; users of the config (IFPipeline, estimators) need the outer ones.
        self.register_to_config(
            shuffle=shuffle, sample_size=sample_size, in_channels=in_channels, out_channels=out_channels
        )

    def forward(
        self,
        sample: Tensor,
        timestep: Tensor | float,
        encoder_hidden_states: Tensor,
        return_dict: bool = True,
        **rest,
    ) -> UNet2DConditionOutput | tuple[Tensor]:
        """Prediction `[B, 6, S, S]` for x_t `[B, 3, S, S]` at `timestep` (scalar or `[B]`) and token states `[B, 77, C]`."""
        shuffle = self.config.shuffle
        inner = pixel_unshuffle(sample, shuffle).contiguous(memory_format=torch.channels_last)
        (out,) = super().forward(inner, timestep, encoder_hidden_states, return_dict=False, **rest)
        out = pixel_shuffle(out, shuffle)
        return UNet2DConditionOutput(sample=out) if return_dict else (out,)


# diffusers passes only those config keys that the signature names, so it must name the stock arguments and `shuffle`.
_stock = inspect.signature(UNet2DConditionModel.__init__).parameters
_shuffle = inspect.Parameter("shuffle", inspect.Parameter.KEYWORD_ONLY, default=4)
ShuffledUNet2DConditionModel.__init__.__signature__ = inspect.Signature([*_stock.values(), _shuffle])  # type: ignore[attr-defined]
