"""The network and the schedule of the shipped prior, and the folder that holds them (diffusers' IF layout)."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from diffusers import DDPMScheduler
from torch import Tensor

from fundiff.pipeline.files import replacing, write_json
from fundiff.prior.shuffled_unet import ShuffledUNet2DConditionModel
from fundiff.process.paths import VariancePreserving


def make_scheduler() -> DDPMScheduler:
    """DeepFloyd IF's schedule of 1000 timesteps with v-prediction.

    It has no thresholding, so the scheduler's own step equals the course's.
    """
    return DDPMScheduler(
        num_train_timesteps=1000,
        beta_schedule="squaredcos_cap_v2",
        prediction_type="v_prediction",
        variance_type="learned_range",
        clip_sample=False,
        thresholding=False,
    )


def make_path() -> VariancePreserving:
    """The path from image to noise that the prior is trained on."""
    return VariancePreserving.of(make_scheduler())


def make_unet(
    shuffle: int,
    block_out_channels: list[int],
    layers_per_block: int,
    width: int = 384,
    sample_size: int = 64,
) -> ShuffledUNet2DConditionModel:
    """A small UNet made of IF's kinds of blocks. `x_t` `[B, 3, S, S]` to `[B, 6, S, S]`: v and the variance output.

    The pooled text is added to the time embedding, which sets scale and shift in each block. Attention over pixels and
    words together stands at the lowest resolution only, where it is cheap. width: of a token state.
    """
    levels = len(block_out_channels)
    return ShuffledUNet2DConditionModel(
        shuffle=shuffle,
        sample_size=sample_size,
        block_out_channels=block_out_channels,
        layers_per_block=layers_per_block,
        down_block_types=["DownBlock2D"] * levels,
        mid_block_type="UNetMidBlock2DSimpleCrossAttn",
        up_block_types=["UpBlock2D"] * levels,
        resnet_time_scale_shift="scale_shift",
        addition_embed_type="text",
        addition_embed_type_num_heads=6,
        encoder_hid_dim=width,
        cross_attention_dim=width,
        attention_head_dim=64,
        norm_num_groups=16,
    )


def save_prior(folder: str | Path, unet: ShuffledUNet2DConditionModel) -> None:
    """Write model_index.json, scheduler/ and unet/ (half precision) to a folder; its other files stay."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / "unet") as path:
        unet.half().save_pretrained(path, safe_serialization=True)
    with replacing(folder / "scheduler") as path:
        make_scheduler().save_pretrained(path)
    index: dict[str, Any] = {
        "_class_name": "IFPipeline",
        "_diffusers_version": json.loads((folder / "unet" / "config.json").read_text())["_diffusers_version"],
        "scheduler": ["diffusers", "DDPMScheduler"],
        # The parent's name, because IFPipeline accepts only classes that its own libraries know;
        # `pipelines.load_prior` gives it the class that unet/config.json names.
        "unet": ["diffusers", "UNet2DConditionModel"],
    }
    write_json(folder / "model_index.json", index)


@torch.inference_mode()
def guided_samples(
    unet: torch.nn.Module, states: Tensor, noise: Tensor, scale: float, steps: int = 20, bf16: bool = False
) -> Tensor:
    """Guided DDIM samples `[B, 3, S, S]` in [-1, 1] that show the progress of a training; deterministic, few steps.

    states `[1 + B, 77, C]`: row 0 is that of the empty prompt. noise: `[B, 3, S, S]`, the start.
    """
    path = make_path()
    timesteps = torch.linspace(999, 0, steps + 1).long()
    count, x_t = len(noise), noise
    guided = scale != 1
    both = torch.cat([states[:1].expand(count, -1, -1), states[1:]]) if guided else states[1:]
    for t, following in pairwise(timesteps):
        asked = torch.cat([x_t, x_t]) if guided else x_t
        with torch.autocast(noise.device.type, torch.bfloat16, enabled=bf16):
            out = unet(asked, t, encoder_hidden_states=both, return_dict=False)[0][:, :3].float()
        v = out
        if guided:
            plain, told = out.chunk(2)
            v = plain + scale * (told - plain)
        x_0 = path.of_velocity(x_t, t, v)[0].clamp(-1, 1)
        x_t = path.forward(x_0, following, path.eps_of(x_t, t, x_0))
    return x_0
