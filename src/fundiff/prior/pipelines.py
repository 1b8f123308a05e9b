"""Text-to-image priors as complete IFPipelines: the shipped one, any folder in IF's layout, a hub id."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from fundiff.pipeline.errors import UserError
from fundiff.prior.hub import access, folder_of
from fundiff.prior.pixel_prior import load_unet
from fundiff.prior.text import load_own_text, load_text, quiet


def read_index(folder: Path, name: str) -> dict[str, Any]:
    """model_index.json of a prior. Raises UserError if the folder is not in the layout of IFPipeline."""
    try:
        index = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise UserError(
            f"{name}: has no readable model_index.json; expected the layout of diffusers' IFPipeline"
        ) from None
    missing = [part for part in ("unet", "scheduler") if part not in index]
    if index.get("_class_name") != "IFPipeline" or missing:
        why = f"lacks {' and '.join(missing)}" if missing else f"is a {index.get('_class_name')}"
        raise UserError(f"{name}: {why}; expected the layout of diffusers' IFPipeline")
    return index


def load_prior(name: str, *, variant: str | None = None, dtype: torch.dtype = torch.float32) -> Any:
    """The complete IFPipeline of a folder or a hub id, for `pipe(prompt, timesteps=..., guidance_scale=...)`.

    A folder without a text encoder, such as models/prior, gets all-MiniLM-L6-v2 from its PyPI package. Raises UserError
    for missing access, another layout or a missing text encoder.
    """
    from diffusers import IFPipeline

    folder = folder_of(name, variant, fetch=True)
    index = read_index(folder, name)
    parts: dict[str, Any] = {}
    if "text_encoder" not in index:
        parts["tokenizer"], parts["text_encoder"] = load_text(dtype)
    else:
        parts["text_encoder"] = load_own_text(folder, name, variant, dtype)
    # load_unet chooses among known classes, so that a folder's model_index.json cannot decide which code is imported.
    parts["unet"] = load_unet(folder, name, variant, dtype, plain=False)
    with access(name), quiet():
        return IFPipeline.from_pretrained(
            folder,
            variant=variant,
            use_safetensors=True,
            torch_dtype=dtype,
            safety_checker=None,
            feature_extractor=None,
            watermarker=None,
            requires_safety_checker=False,
            **parts,
        )
