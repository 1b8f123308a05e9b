"""The zip with which the prior is trained on a machine without a network, and how it is read there.

It holds cut-outs, nouns, and the text encoder, but only the word embeddings of words that the sentences contain.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from fundiff.pipeline.errors import UserError
from fundiff.pipeline.files import replacing
from fundiff.prior.plain_text import TOKENS
from fundiff.prior.text import WIDTH
from prior.making import scenes
from prior.making.colours import COLOURS
from prior.making.grounds import GROUNDS
from prior.making.layouts import RELATIONS, WORN
from prior.making.photographs import SUBJECTS
from prior.making.styles import STYLES
from prior.making.words import NUMBERS, Noun, plural

EMBEDDING = "embeddings.word_embeddings.weight"
TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt", "config.json")


def vocabulary(nouns: Iterable[Noun], people: Sequence[str], prompts: Sequence[str]) -> str:
    """All words that a training sentence or a prompt can contain, as one text."""
    nouns = list(nouns)
    scene_names = [name for _, _, names, _ in scenes.SCENES.values() for name in names]
    words = [
        *(noun.name for noun in nouns), *(plural(noun.bare) for noun in nouns), *people, *prompts, *scene_names,
        *COLOURS, *STYLES, *RELATIONS, *NUMBERS.values(), *WORN, "wearing a an the with and high quality photo",
        *(words for ground in GROUNDS.values() for words in ground.words),
        *(name for name, _ in SUBJECTS.values()),
    ]  # fmt: skip
    return " ".join(dict.fromkeys(re.findall(r"\S+", " ".join(words).lower())))


def pack(path: Path, pixels: np.ndarray, table: dict[str, Any], text: dict[str, Tensor], files: Sequence[Path],
         tokens: Sequence[int]) -> None:  # fmt: skip
    """Write the zip.

    pixels: cut-outs `[N, 64, 64, 4]` uint8, written as lossless WebP. table: what each cut-out shows. text: the encoder's
    weights, written in half precision with only the embedding rows `tokens`. files: the tokenizer's files.
    """
    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
        for row, cut_out in enumerate(pixels):
            file = io.BytesIO()
            Image.fromarray(cut_out).save(file, "WEBP", lossless=True, method=4)
            archive.writestr(f"cut_outs/{row:05}.webp", file.getvalue())
        weights = {name: value.half() for name, value in text.items()}
        weights[EMBEDDING] = weights[EMBEDDING][sorted(tokens)].clone()
        file = io.BytesIO()
        torch.save({"weights": weights, "tokens": sorted(tokens)}, file)
        archive.writestr("text.pt", file.getvalue())
        archive.writestr("table.json", json.dumps(table))
        for source in files:
            archive.write(source, f"tokenizer/{source.name}")


def unpack(path: Path) -> tuple[np.ndarray, dict[str, Any]]:
    """The cut-outs `[N, 64, 64, 4]` uint8 and their table."""
    with zipfile.ZipFile(path) as archive:
        names = sorted(name for name in archive.namelist() if name.startswith("cut_outs/"))
        pixels = [np.asarray(Image.open(io.BytesIO(archive.read(name))).convert("RGBA")) for name in names]
        return np.stack(pixels), json.loads(archive.read("table.json"))


class Encoder:
    """The text encoder of the zip: sentences to the token states that `IFPipeline.encode_prompt` makes of them.

    Sentences are lower-cased and padded to 77 tokens. A word that the zip lacks raises UserError.
    """

    def __init__(self, path: Path, folder: Path, device: str):
        from transformers import AutoTokenizer, BertConfig, BertModel

        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if name.startswith("tokenizer/"):
                    archive.extract(name, folder)
            carried = torch.load(io.BytesIO(archive.read("text.pt")), map_location="cpu", weights_only=True)
        config = BertConfig.from_pretrained(folder / "tokenizer")
        rows = torch.full((config.vocab_size, config.hidden_size), torch.nan)
        rows[carried["tokens"]] = carried["weights"][EMBEDDING].float()
        network = BertModel(config, add_pooling_layer=False)
        network.load_state_dict(
            {name: value.float() for name, value in carried["weights"].items()} | {EMBEDDING: rows},
            strict=False,
        )
        self.network = network.eval().to(device)
        self.tokenizer = AutoTokenizer.from_pretrained(folder / "tokenizer", local_files_only=True)
        self.device = device

    @torch.inference_mode()
    def __call__(self, sentences: Sequence[str], batch_size: int = 256) -> Tensor:
        """Token states `[N, 77, 384]`, float16, on the device. Raises UserError for a word that the zip lacks."""
        states = torch.empty((len(sentences), TOKENS, WIDTH), dtype=torch.float16, device=self.device)
        for start in range(0, len(sentences), batch_size):
            batch = [sentence.lower().strip() for sentence in sentences[start : start + batch_size]]
            read = self.tokenizer(
                batch, padding="max_length", max_length=TOKENS, truncation=True, return_tensors="pt"
            ).to(self.device)
            found = self.network(read.input_ids, attention_mask=read.attention_mask)[0]
            lost = [s for s, ok in zip(batch, found.isfinite().all((1, 2)).tolist(), strict=True) if not ok]
            if lost:
                raise UserError(f"a word of {lost[0]!r} was not carried; pack anew")
            states[start : start + batch_size] = found.half()
        return states
