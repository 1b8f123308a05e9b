"""The UNet of the shipped prior in torch alone: ShuffledUNet2DConditionModel without diffusers, which is slow to import.

It is for inference, not for training. The weights have the same names and the operations come in the same order, so the
results are equal bit by bit; tests/prior/test_plain_unet.py compares them.
"""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.functional import (
    interpolate,
    pixel_shuffle,
    pixel_unshuffle,
    scaled_dot_product_attention,
    silu,
)
from torch.utils.weak import WeakTensorKeyDictionary

# What this module computes; a config with another value needs diffusers' class.
COMPUTED: dict[str, Any] = {
    "_class_name": "ShuffledUNet2DConditionModel",
    "act_fn": "silu",
    "addition_embed_type": "text",
    "center_input_sample": False,
    "class_embed_type": None,
    "conv_in_kernel": 3,
    "conv_out_kernel": 3,
    "cross_attention_norm": None,
    "downsample_padding": 1,
    "dropout": 0.0,
    "encoder_hid_dim_type": "text_proj",
    "flip_sin_to_cos": True,
    "freq_shift": 0,
    "mid_block_only_cross_attention": None,
    "mid_block_scale_factor": 1,
    "mid_block_type": "UNetMidBlock2DSimpleCrossAttn",
    "num_class_embeds": None,
    "only_cross_attention": False,
    "resnet_out_scale_factor": 1.0,
    "resnet_skip_time_act": False,
    "resnet_time_scale_shift": "scale_shift",
    "time_cond_proj_dim": None,
    "time_embedding_act_fn": None,
    "time_embedding_dim": None,
    "time_embedding_type": "positional",
    "timestep_post_act": None,
}


def is_plain(config: dict[str, Any]) -> bool:
    """Whether `PlainUNet` computes what this unet/config.json describes."""
    blocks = set(config.get("down_block_types", [])) | set(config.get("up_block_types", []))
    return blocks == {"DownBlock2D", "UpBlock2D"} and all(
        config.get(key, value) == value for key, value in COMPUTED.items()
    )


def load_plain_unet(config: dict[str, Any], weights: Path, dtype: torch.dtype) -> tuple[PlainUNet, list[str]]:
    """The network with its weights in `dtype`, and the names of weights that the file lacks."""
    with torch.device("meta"):
        unet = PlainUNet(config)
    found = {name: weight.to(dtype) for name, weight in load_file(weights).items()}
    missing = unet.load_state_dict(found, strict=False, assign=True).missing_keys
    return unet, missing


def sinusoid(t: Tensor, width: int) -> Tensor:
    """Embedding `[B, width]` of timesteps `[B]`: cosines, then sines, of wavelengths up to 10,000 (Ho et al. 2020)."""
    frequencies = torch.exp(
        -math.log(10000) * torch.arange(width // 2, device=t.device, dtype=torch.float32) / (width // 2)
    )
    angles = t[:, None].float() * frequencies
    return torch.cat([angles.cos(), angles.sin()], -1)


class Resnet(nn.Module):
    """A residual block whose second norm is scaled and shifted by the time embedding."""

    def __init__(self, channels: int, out: int, embedding: int, groups: int, eps: float):
        super().__init__()
        self.norm1 = nn.GroupNorm(groups, channels, eps)
        self.conv1 = nn.Conv2d(channels, out, 3, padding=1)
        self.time_emb_proj = nn.Linear(embedding, 2 * out)
        self.norm2 = nn.GroupNorm(groups, out, eps)
        self.conv2 = nn.Conv2d(out, out, 3, padding=1)
        self.conv_shortcut = nn.Conv2d(channels, out, 1) if channels != out else None

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        """`[B, C, H, W]` to `[B, out, H, W]`, given the activated time embedding `[B, embedding]`."""
        scale, shift = self.time_emb_proj(time)[:, :, None, None].chunk(2, 1)
        h = self.conv1(silu(self.norm1(x)))
        h = self.conv2(silu(self.norm2(h) * (1 + scale) + shift))
        return (x if self.conv_shortcut is None else self.conv_shortcut(x)) + h


class Resampling(nn.Module):
    """Halves the side by a convolution of stride 2, or doubles it by repeating pixels before a convolution."""

    def __init__(self, channels: int, up: bool):
        super().__init__()
        self.up = up
        self.conv = nn.Conv2d(channels, channels, 3, stride=1 if up else 2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """`[B, C, H, W]` to half or twice the sides."""
        if not self.up:
            return self.conv(x)
        # diffusers leaves the channels_last format at 64 rows; kernels for another format give other bits.
        return self.conv(interpolate(x.contiguous() if len(x) >= 64 else x, scale_factor=2.0, mode="nearest"))


class Resolution(nn.Module):
    """The blocks of one resolution, and the resampling to the next."""

    def __init__(self, resnets: list[Resnet], resampling: Resampling | None):
        super().__init__()
        self.resnets = nn.ModuleList(resnets)
        self.downsamplers = nn.ModuleList([resampling] if resampling and not resampling.up else [])
        self.upsamplers = nn.ModuleList([resampling] if resampling and resampling.up else [])

    def down(self, x: Tensor, time: Tensor) -> list[Tensor]:
        """The outputs of all blocks and of the downsampling, in order."""
        kept = []
        for block in self.resnets:
            kept.append(x := block(x, time))
        return kept + [down(x) for down in self.downsamplers]

    def up(self, x: Tensor, kept: list[Tensor], time: Tensor) -> Tensor:
        """The output of the blocks and the upsampling; each block removes the last item of `kept` and uses it."""
        for block in self.resnets:
            x = block(torch.cat([x, kept.pop()], 1), time)
        for up in self.upsamplers:
            x = up(x)
        return x


class Attention(nn.Module):
    """Attention of pixels to each other and to the token states, with a residual connection."""

    def __init__(self, channels: int, states: int, width: int, groups: int):
        super().__init__()
        self.heads = channels // width
        self.group_norm = nn.GroupNorm(groups, channels, 1e-5)
        self.to_q, self.to_k, self.to_v = (nn.Linear(channels, channels) for _ in range(3))
        self.add_k_proj, self.add_v_proj = (nn.Linear(states, channels) for _ in range(2))
        self.to_out = nn.ModuleList([nn.Linear(channels, channels)])

    def split(self, x: Tensor) -> Tensor:
        """`[B, N, C]` as `[B, heads, N, C / heads]`."""
        return x.unflatten(2, (self.heads, -1)).transpose(1, 2)

    def told(self, states: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values of token states `[B, N, states]`."""
        return self.split(self.add_k_proj(states)), self.split(self.add_v_proj(states))

    def forward(self, x: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """`[B, C, H, W]` to the same shape, given keys and values of the token states."""
        h = self.group_norm(x.flatten(2)).transpose(1, 2)
        query = self.split(self.to_q(h))
        key = torch.cat([keys, self.split(self.to_k(h))], 2)
        value = torch.cat([values, self.split(self.to_v(h))], 2)
        h = scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)
        return self.to_out[0](h).transpose(1, 2).reshape(x.shape) + x


class Middle(nn.Module):
    """The lowest level: block, attention, block."""

    def __init__(self, resnets: list[Resnet], attention: Attention):
        super().__init__()
        self.attentions = nn.ModuleList([attention])
        self.resnets = nn.ModuleList(resnets)

    def forward(self, x: Tensor, time: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """`[B, C, H, W]` to the same shape."""
        x = self.attentions[0](self.resnets[0](x, time), keys, values)
        return self.resnets[1](x, time)


class Pooling(nn.Module):
    """Attention pooling of token states `[B, N, C]` to `[B, C]`: the query is their mean, keys and values are mean and states."""

    def __init__(self, heads: int, width: int):
        super().__init__()
        self.heads = heads
        self.positional_embedding = nn.Parameter(torch.empty(1, width))
        self.k_proj, self.q_proj, self.v_proj = (nn.Linear(width, width) for _ in range(3))

    def split(self, x: Tensor) -> Tensor:
        """`[B, N, C]` as `[B * heads, C / heads, N]`."""
        return x.unflatten(2, (self.heads, -1)).transpose(1, 2).flatten(0, 1).transpose(1, 2)

    def forward(self, x: Tensor) -> Tensor:
        """`[B, N, C]` to `[B, C]`."""
        mean = x.mean(1, keepdim=True) + self.positional_embedding.to(x.dtype)
        x = torch.cat([mean, x], 1)
        query, key, value = (
            self.split(self.q_proj(mean)),
            self.split(self.k_proj(x)),
            self.split(self.v_proj(x)),
        )
        scale = 1 / math.sqrt(math.sqrt(query.shape[1]))
        weight = torch.einsum("bct,bcs->bts", query * scale, key * scale)
        weight = weight.float().softmax(-1).type(weight.dtype)
        return torch.einsum("bts,bcs->bct", weight, value).reshape(len(x), -1)


class TextEmbedding(nn.Module):
    """Token states `[B, N, C]` as one vector `[B, embedding]`, which is added to the time embedding."""

    def __init__(self, heads: int, width: int, embedding: int):
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.pool = Pooling(heads, width)
        self.proj = nn.Linear(width, embedding)
        self.norm2 = nn.LayerNorm(embedding)

    def forward(self, states: Tensor) -> Tensor:
        """`[B, N, C]` to `[B, embedding]`."""
        return self.norm2(self.proj(self.pool(self.norm1(states))))


class TimeEmbedding(nn.Module):
    """Timesteps `[B]` as a vector `[B, embedding]`."""

    def __init__(self, width: int, embedding: int):
        super().__init__()
        self.width = width
        self.linear_1, self.linear_2 = nn.Linear(width, embedding), nn.Linear(embedding, embedding)

    def forward(self, t: Tensor, dtype: torch.dtype) -> Tensor:
        """`[B]` to `[B, embedding]`."""
        return self.linear_2(silu(self.linear_1(sinusoid(t, self.width).to(dtype))))


class PlainUNet(nn.Module):
    """The network that `config` (unet/config.json) describes, for which `is_plain` holds."""

    def __init__(self, config: dict[str, Any]):
        super().__init__()
        self.config = SimpleNamespace(**config)
        widths, area = config["block_out_channels"], config["shuffle"] ** 2
        groups, eps, embedding = config["norm_num_groups"], config["norm_eps"], 4 * widths[0]
        states, layers = config["cross_attention_dim"], config["layers_per_block"]

        def resnet(channels: int, out: int) -> Resnet:
            return Resnet(channels, out, embedding, groups, eps)

        self.conv_in = nn.Conv2d(config["in_channels"] * area, widths[0], 3, padding=1)
        self.time_embedding = TimeEmbedding(widths[0], embedding)
        self.add_embedding = TextEmbedding(
            config["addition_embed_type_num_heads"], config["encoder_hid_dim"], embedding
        )
        self.encoder_hid_proj = nn.Linear(config["encoder_hid_dim"], states)
        self.down_blocks, kept = nn.ModuleList(), [widths[0]]
        for i, width in enumerate(widths):
            down = Resampling(width, up=False) if i < len(widths) - 1 else None
            self.down_blocks.append(
                Resolution([resnet(kept[-1] if j == 0 else width, width) for j in range(layers)], down)
            )
            kept += [width] * (layers + (down is not None))
        attention = Attention(widths[-1], states, config["attention_head_dim"], groups)
        self.mid_block = Middle([resnet(widths[-1], widths[-1]) for _ in range(2)], attention)
        self.up_blocks, channels = nn.ModuleList(), widths[-1]
        for i, width in enumerate(reversed(widths)):
            resnets = [resnet((channels if j == 0 else width) + kept.pop(), width) for j in range(layers + 1)]
            self.up_blocks.append(
                Resolution(resnets, Resampling(width, up=True) if i < len(widths) - 1 else None)
            )
            channels = width
        self.conv_norm_out = nn.GroupNorm(groups, widths[0], eps)
        self.conv_out = nn.Conv2d(widths[0], config["out_channels"] * area, 3, padding=1)
        self.read = WeakTensorKeyDictionary()

    def told(self, states: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What the network takes from token states `[B, N, C]`: an embedding, keys and values.

        Cached as long as the tensor exists, because it is the same at all timesteps.
        """
        if states not in self.read:
            projected = self.encoder_hid_proj(states)
            self.read[states] = (
                self.add_embedding(states),
                *self.mid_block.attentions[0].told(projected),  # type: ignore[operator]
            )
        return self.read[states]

    def forward(
        self, sample: Tensor, timestep: Tensor | float, encoder_hidden_states: Tensor, **rest: Any
    ) -> tuple[Tensor]:
        """Prediction `[B, 6, S, S]` for x_t `[B, 3, S, S]` at `timestep` (scalar or `[B]`) and token states `[B, 77, C]`."""
        x = pixel_unshuffle(sample, self.config.shuffle).contiguous(memory_format=torch.channels_last)
        t = torch.as_tensor(timestep, device=x.device).expand(len(x))
        embedding, keys, values = self.told(encoder_hidden_states)
        time = silu(self.time_embedding(t, x.dtype) + embedding)
        kept = [self.conv_in(x)]
        for resolution in self.down_blocks:
            kept += resolution.down(kept[-1], time)  # type: ignore[operator]
        x = self.mid_block(kept[-1], time, keys, values)
        for resolution in self.up_blocks:
            x = resolution.up(x, kept, time)  # type: ignore[operator]
        x = self.conv_out(silu(self.conv_norm_out(x)))
        return (pixel_shuffle(x, self.config.shuffle),)
