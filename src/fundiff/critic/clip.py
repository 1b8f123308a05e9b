"""CLIP as the critic, if a user has its weights: Geng et al. (2024) score anagrams with it, and it knows photographs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

from fundiff.pipeline.errors import UserError


def parted(name: str) -> tuple[str, str]:
    """(hub id, revision) of ID@REVISION; the revision is main if none is given."""
    known, _, revision = name.partition("@")
    return known, revision or "main"


class ClipCritic:
    """A CLIPModel of a folder or hub id (ID@REVISION), with the methods of `fundiff.critic.encoder.Critic`.

    Raises UserError if it cannot be loaded.
    """

    def __init__(self, name: str):
        from transformers import CLIPModel, CLIPProcessor

        known, revision = (name, "main") if Path(name).is_dir() else parted(name)
        try:
            loaded: Any = CLIPModel.from_pretrained(
                known, revision=revision, use_safetensors=True, output_loading_info=True
            )
            self.processor = CLIPProcessor.from_pretrained(known, revision=revision)
        except Exception as error:  # transformers raises many kinds of errors for a bad folder
            reason = (" ".join(str(error).split()) or type(error).__name__)[:160]
            raise UserError(
                f"critic.name {name!r} is neither a critic of this project nor a CLIP model in *.safetensors ({reason})"
            ) from None
        model, found = loaded
        if missing := sorted(found["missing_keys"]):
            raise UserError(
                f"critic.name {name!r} lacks {len(missing)} weights, as {missing[0]}; get it again"
            )
        self.model = model.eval().requires_grad_(False)

    @property
    def scale(self) -> float:
        """Inverse temperature of the similarities in training."""
        return float(self.model.logit_scale.exp())

    @torch.no_grad()
    def vectors(self, prompts: Sequence[str]) -> Tensor:
        """Unit vectors `[P, C]` of prompts."""
        words = self.processor(text=list(prompts), padding=True, truncation=True, return_tensors="pt")
        out = self.model.text_model(**words).pooler_output
        return normalize(self.model.text_projection(out), dim=1)

    @torch.no_grad()
    def score(self, pictures: Tensor, vectors: Tensor) -> Tensor:
        """Cosine similarity `[B, P]`, in [-1, 1], of pictures `[B, 3, S, S]` in [-1, 1] to prompts' vectors."""
        pixels = ((pictures.clamp(-1, 1) + 1) * 127.5).round().byte()
        seen = self.processor(images=list(pixels), return_tensors="pt")["pixel_values"]
        out = self.model.vision_model(pixel_values=seen).pooler_output
        return normalize(self.model.visual_projection(out), dim=1) @ vectors.T
