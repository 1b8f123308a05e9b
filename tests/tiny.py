"""A randomly initialised pipeline of DeepFloyd IF's exact layout and component classes, in tiny sizes."""

from dataclasses import replace
from pathlib import Path

import torch
from diffusers import DDPMScheduler, IFPipeline, IFSuperResolutionPipeline, UNet2DConditionModel
from transformers import T5Config, T5EncoderModel, T5Tokenizer

from fundiff.prior.pixel_prior import PixelPrior

WIDTH, SIZE = 16, 32
LETTERS = [chr(i) for i in range(32, 127)]


def tokenizer() -> T5Tokenizer:
    """T5's tokenizer class over single letters."""
    vocab = [
        ("<pad>", 0.0),
        ("</s>", 0.0),
        ("<unk>", 0.0),
        ("▁", -1.0),
        *((letter, -2.0) for letter in LETTERS),
    ]
    return T5Tokenizer(vocab=vocab, extra_ids=0)


def text_encoder() -> T5EncoderModel:
    """T5's encoder with the gated GELU of v1.1, as IF's."""
    config = T5Config(
        vocab_size=len(LETTERS) + 4,
        d_model=32,
        d_kv=8,
        d_ff=32,
        num_layers=1,
        num_heads=2,
        feed_forward_proj="gated-gelu",
    )
    return T5EncoderModel(config)


def unet(channels: int = 3, classes: str | None = None, deep: int = 1) -> UNet2DConditionModel:
    """IF's kinds of blocks, six channels out, attention at the lowest resolution; more of it for stage II."""
    return UNet2DConditionModel(
        sample_size=SIZE,
        in_channels=channels,
        out_channels=6,
        block_out_channels=(*[8] * deep, 16),
        layers_per_block=1,
        down_block_types=(*["ResnetDownsampleBlock2D"] * deep, "SimpleCrossAttnDownBlock2D"),
        mid_block_type="UNetMidBlock2DSimpleCrossAttn",
        up_block_types=("SimpleCrossAttnUpBlock2D", *["ResnetUpsampleBlock2D"] * deep),
        resnet_time_scale_shift="scale_shift",
        time_embedding_type="positional",
        addition_embed_type="text",
        addition_embed_type_num_heads=2,
        class_embed_type=classes,
        cross_attention_dim=WIDTH,
        encoder_hid_dim=32,
        attention_head_dim=8,
        norm_num_groups=4,
        act_fn="gelu",
    )


def scheduler(thresholding: bool = True) -> DDPMScheduler:
    """IF's scheduler: cosine, learned range, dynamic thresholding."""
    return DDPMScheduler(
        num_train_timesteps=1000,
        beta_schedule="squaredcos_cap_v2",
        variance_type="learned_range",
        thresholding=thresholding,
        dynamic_thresholding_ratio=0.95,
        sample_max_value=1.5,
    )


def make_stage_ii(folder: Path, variant: str | None = None) -> Path:
    """Write stage II, which uses the same token states as stage I."""
    torch.manual_seed(1)
    parts = unet(6, "timestep", deep=4), scheduler(), scheduler()
    pipe = IFSuperResolutionPipeline(
        tokenizer(), text_encoder(), *parts, None, None, None, requires_safety_checker=False
    )
    if variant == "fp16":
        pipe.to(torch.float16)
    pipe.save_pretrained(folder, variant=variant)
    return folder


def make_if(folder: Path, variant: str | None = None) -> Path:
    """Write the whole pipeline in the layout of `save_pretrained`, in half precision for variant fp16."""
    torch.manual_seed(0)
    pipe = IFPipeline(
        tokenizer(), text_encoder(), unet(), scheduler(), None, None, None, requires_safety_checker=False
    )
    if variant == "fp16":
        pipe.to(torch.float16)
    pipe.save_pretrained(folder, variant=variant)
    return folder


def rescheduled(prior: PixelPrior, **changes: str) -> PixelPrior:
    """The prior as if its scheduler named another prediction or variance."""
    return replace(prior, schedule=prior.schedule.model_copy(update=changes))
