"""Prompts by key, their token states in one file, and who encodes them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import safetensors
import torch
from torch import Tensor

from fundiff.pipeline.errors import UserError
from fundiff.pipeline.files import replacing
from fundiff.pipeline.params import nearest
from fundiff.pipeline.runtime import Runtime
from fundiff.prior.hub import Pinned, access, folder_of

TOKENS = 77


def load_encoder(model: Pinned, runtime: Runtime) -> Any:
    """An IFPipeline that can only encode prompts: the model's own text encoder, or the shipped prior's."""
    folder = folder_of(model.name, model.variant, model.revision)
    if not (folder / "text_encoder").is_dir():
        from fundiff.prior.text import text_pipeline

        return text_pipeline()
    from diffusers import IFPipeline

    from fundiff.prior.pixel_prior import DTYPES, placed

    with access(model.name):
        pipe = IFPipeline.from_pretrained(
            folder,
            variant=model.variant,
            use_safetensors=True,
            dtype=DTYPES[model.precision],
            unet=None,
            safety_checker=None,
            feature_extractor=None,
            watermarker=None,
            requires_safety_checker=False,
        )
    placed(pipe.text_encoder, model, runtime)
    return pipe


def cut_text(tokenizer: Any, prompt: str) -> str | None:
    """What of the prompt lies beyond the 77 tokens that a prior sees, or None."""
    words = tokenizer(prompt, add_special_tokens=False, verbose=False).input_ids
    room = TOKENS - tokenizer.num_special_tokens_to_add()
    return tokenizer.decode(words[room:]) if len(words) > room else None


def encode(pipe: Any, prompts: dict[str, str]) -> dict[str, Tensor]:
    """Token states `[77, C]` of every prompt, by key, as `IFPipeline.encode_prompt` makes them."""
    states, _ = pipe.encode_prompt(list(prompts.values()), do_classifier_free_guidance=False)
    return dict(zip(prompts, states.float().cpu(), strict=True))


def save_prompts(path: str | Path, prompts: dict[str, str], states: dict[str, Tensor], encoder: str) -> None:
    """Write what the encoder made of each prompt, by key, with the prompts' words beside it."""
    from safetensors.torch import save_file

    # One metadata entry: the order of several is not the same from run to run.
    words = {"prompts": json.dumps({"encoder": encoder, "texts": prompts})}
    with replacing(path) as temporary:
        save_file({key: state.contiguous() for key, state in states.items()}, temporary, metadata=words)


class Prompts:
    """The encoded prompts of a file: `text(key)` and `states(keys)`. Raises UserError for an unknown key."""

    def __init__(self, path: str | Path):
        try:
            with safetensors.safe_open(path, "pt") as file:
                self._states = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
                words = json.loads(file.metadata()["prompts"])
            self.encoder: str = words["encoder"]
            self._texts: dict[str, str] = words["texts"]
        except (OSError, KeyError, TypeError, safetensors.SafetensorError):
            raise UserError(f"{path}: missing or unreadable; run `dvc repro text_embeddings`") from None

    @property
    def keys(self) -> list[str]:
        """All keys, in the order of the params."""
        return list(self._texts)

    def text(self, key: str) -> str:
        """The words of a prompt."""
        if key not in self._texts:
            known = nearest(key, list(self._texts))
            raise UserError(f"params.yaml: {key!r} is not a key of text_embeddings.prompts; {known}")
        return self._texts[key]

    def states(self, keys: Sequence[str]) -> Tensor:
        """What the file holds of the prompts, stacked: token states `[len(keys), 77, C]` or sentences `[.., C]`."""
        for key in keys:
            self.text(key)
        return torch.stack([self._states[key] for key in keys])
