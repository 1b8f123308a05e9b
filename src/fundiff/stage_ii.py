"""IF's second stage: the pictures at four times the size, by diffusers' IFSuperResolutionPipeline."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from fundiff.errors import UserError
from fundiff.hub import Pinned, access, folder_of
from fundiff.pixel_prior import DTYPES
from fundiff.progress import pace
from fundiff.runtime import Runtime


@torch.no_grad()
def enlarged(
    model: Pinned,
    runtime: Runtime,
    images: Tensor,
    states: Tensor,
    unconditional: Tensor,
    generators: Sequence[torch.Generator],
    steps: int = 50,
) -> Tensor:
    """Images `[B, 3, S, S]` in [-1, 1] to `[B, 3, 4S, 4S]`; states `[B, 77, C]` of stage I's text encoder serve again."""
    from diffusers import IFSuperResolutionPipeline

    if model.offload and runtime.device == "cpu":
        raise UserError("model.offload is true, but this machine has no accelerator; set model.offload=false")
    name, dtype = str(model.stage_ii), DTYPES[model.precision]
    with access(name):
        pipe = IFSuperResolutionPipeline.from_pretrained(
            folder_of(name, model.variant, model.stage_ii_revision),
            variant=model.variant,
            torch_dtype=dtype,
            text_encoder=None,
            tokenizer=None,
            safety_checker=None,
            feature_extractor=None,
            watermarker=None,
            requires_safety_checker=False,
        )
    pipe.set_progress_bar_config(**pace("four times the size"))
    if model.offload:
        pipe.enable_model_cpu_offload(device=runtime.device)
    else:
        pipe.to(runtime.device)
    side = 4 * images.shape[-1]
    return pipe(
        image=images.clamp(-1, 1).to(dtype),
        height=side,
        width=side,
        prompt_embeds=states.to(runtime.device, dtype),
        negative_prompt_embeds=unconditional.expand_as(states).to(runtime.device, dtype),
        num_inference_steps=steps,
        generator=list(generators),
        output_type="pt",
    ).images.float()
