"""Token states of prompts, encoded once and cached on disk by content."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import safetensors
import torch
from safetensors.torch import save_file
from torch import Tensor

from fundiff.pipeline.files import replacing
from fundiff.pipeline.runtime import Runtime
from fundiff.prior.hub import Pinned, access, folder_of
from fundiff.prior.plain_text import TOKENS
from fundiff.prior.text import WEIGHTS_SHA256, load_own_text, plain_text

CACHE = Path(".cache/embeddings")


class TextEncoder(Protocol):
    """A text encoder: encodes prompts for a prior."""

    def states(self, prompt: str) -> Tensor:
        """Token states `[77, C]` of a prompt, as `IFPipeline.encode_prompt` makes them."""

    def cut(self, prompt: str) -> str:
        """The part of the prompt beyond the 77 tokens that a prior takes; empty if there is none."""


class OwnText:
    """The text encoder of a prior's own folder, in an IFPipeline that can only encode prompts."""

    def __init__(self, pipe: Any):
        self.pipe = pipe

    def states(self, prompt: str) -> Tensor:
        """Token states `[77, C]` of a prompt."""
        return self.pipe.encode_prompt([prompt], do_classifier_free_guidance=False)[0][0]

    def cut(self, prompt: str) -> str:
        """The part of the prompt beyond the 77 tokens."""
        tokenizer = self.pipe.tokenizer
        words = tokenizer(prompt, add_special_tokens=False, verbose=False).input_ids
        return tokenizer.decode(words[TOKENS - tokenizer.num_special_tokens_to_add() :])


def load_encoder(model: Pinned, runtime: Runtime) -> TextEncoder:
    """The model's own text encoder, or the shipped prior's."""
    folder = folder_of(model.name, model.variant, model.revision)
    if not (folder / "text_encoder").is_dir():
        return plain_text()
    from diffusers import IFPipeline

    from fundiff.prior.pixel_prior import DTYPES, placed

    encoder = load_own_text(folder, model.name, model.variant, DTYPES[model.precision])
    with access(model.name):
        pipe = IFPipeline.from_pretrained(
            folder,
            variant=model.variant,
            use_safetensors=True,
            dtype=DTYPES[model.precision],
            text_encoder=encoder,
            unet=None,
            safety_checker=None,
            feature_extractor=None,
            watermarker=None,
            requires_safety_checker=False,
        )
    placed(pipe.text_encoder, model, runtime)
    return OwnText(pipe)


def encoder_identity(model: Pinned) -> str:
    """Text that identifies the encoder: its files and precision. Token states depend on it and on the prompt."""
    own = {
        path: digest
        for path, digest in model.files.items()
        if "/text_encoder/" in path or "/tokenizer/" in path
    }
    return f"{sorted(own.items())} {model.precision}" if own else f"PlainText {WEIGHTS_SHA256}"


def kept_by_content(
    identity: str, texts: Sequence[str], encode: Callable[[list[str]], list[Tensor]], cache: Path = CACHE
) -> Tensor:
    """Embeddings `[len(texts), ...]` of texts, from the cache or by `encode`, whose results are cached.

    identity: names the encoder. `encode` is called once with all texts that the cache lacks. A file is named by the hash
    of identity and text and written whole or not at all, so stages that run side by side can share the cache.
    """
    folder = cache / hashlib.sha256(identity.encode()).hexdigest()[:16]
    paths = {text: folder / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.safetensors" for text in texts}
    found: dict[str, Tensor] = {}
    for text, path in paths.items():
        try:
            with safetensors.safe_open(path, "pt") as file:
                found[text] = file.get_tensor("embedding")
        except (OSError, safetensors.SafetensorError):
            continue  # missing or damaged: encode it again
    missing = [text for text in paths if text not in found]
    if missing:
        for text, embedding in zip(missing, encode(missing), strict=True):
            found[text] = embedding.contiguous()
            with replacing(paths[text]) as temporary:
                save_file({"embedding": found[text]}, temporary)
    return torch.stack([found[text] for text in texts])


def embed(model: Pinned, runtime: Runtime, prompts: Sequence[str], cache: Path = CACHE) -> dict[str, Tensor]:
    """Token states `[77, C]` of every prompt, as `IFPipeline.encode_prompt` makes them.

    The text encoder is loaded once, only if the cache lacks a prompt, and released before this returns, so that it is not
    in memory together with the UNet.
    """

    def encode(missing: list[str]) -> list[Tensor]:
        encoder = load_encoder(model, runtime)
        for prompt in missing:
            if cut := encoder.cut(prompt):
                print(f"warning: the prior sees 77 tokens; of {prompt!r} it will not see {cut!r}", flush=True)
        # One at a time: in a batch the last bits of a prompt's states would depend on the other prompts.
        return [encoder.states(prompt).float().cpu() for prompt in missing]

    unique = list(dict.fromkeys(prompts))
    return dict(zip(unique, kept_by_content(encoder_identity(model), unique, encode, cache), strict=True))
