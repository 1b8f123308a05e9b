"""all-MiniLM-L6-v2 in torch's own transformer layers: importing transformers takes 3 s, longer than encoding a prompt."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor, nn

TOKENS = 77
LAYER = {  # a layer's parts: their names in torch -> their names in the file
    "self_attn.out_proj": "attention.output.dense",
    "norm1": "attention.output.LayerNorm",
    "linear1": "intermediate.dense",
    "linear2": "output.dense",
    "norm2": "output.LayerNorm",
}
ATTENTION = ("query", "key", "value")


class PlainText(nn.Module):
    """A BERT (Devlin et al. 2019) with its tokenizer: sentences to one state for each token.

    folder: has config.json, tokenizer.json and model.safetensors as transformers writes them.
    """

    def __init__(self, folder: Path):
        super().__init__()
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        width, epsilon = config["hidden_size"], config["layer_norm_eps"]
        self.words = nn.Embedding(config["vocab_size"], width)
        self.places = nn.Embedding(config["max_position_embeddings"], width)
        self.kinds = nn.Embedding(config["type_vocab_size"], width)
        self.norm = nn.LayerNorm(width, epsilon)
        layer = nn.TransformerEncoderLayer(
            width,
            config["num_attention_heads"],
            config["intermediate_size"],
            activation=config["hidden_act"],
            layer_norm_eps=epsilon,
            batch_first=True,
        )
        self.layers = nn.TransformerEncoder(layer, config["num_hidden_layers"], enable_nested_tensor=False)
        self.load_state_dict(renamed(load_file(folder / "model.safetensors"), config["num_hidden_layers"]))
        self.eval().requires_grad_(False)
        self.tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.no_truncation()

    def tokens(self, sentences: Sequence[str], padded: bool) -> tuple[Tensor, Tensor]:
        """Numbers of the tokens `[N, L]`, and a mask that is False at padding; tokens beyond TOKENS are cut off.

        padded: whether L is TOKENS; otherwise it is the length of the longest sentence.
        """
        self.tokenizer.enable_truncation(TOKENS)
        self.tokenizer.enable_padding(length=TOKENS if padded else None)
        coded = self.tokenizer.encode_batch(list(sentences))
        self.tokenizer.no_padding()
        self.tokenizer.no_truncation()
        return torch.tensor([c.ids for c in coded]), torch.tensor([c.attention_mask for c in coded]).bool()

    def states(self, prompt: str) -> Tensor:
        """Token states `[77, C]` of a prompt, padding included."""
        return self(*self.tokens([prompt], padded=True))[0]

    def cut(self, prompt: str) -> str:
        """The part of the prompt beyond TOKENS, two of which mark its start and end; empty if there is none."""
        numbers = self.tokenizer.encode(prompt, add_special_tokens=False).ids
        return self.tokenizer.decode(numbers[TOKENS - 2 :])

    @torch.no_grad()
    def forward(self, tokens: Tensor, words: Tensor) -> Tensor:
        """States `[N, L, C]` of tokens `[N, L]`; where words `[N, L]` is False a token is padding and is not attended to."""
        places = self.places(torch.arange(tokens.shape[1]))
        x = self.norm(self.words(tokens) + places + self.kinds.weight[0])
        return self.layers(x, src_key_padding_mask=~words)


def renamed(weights: dict[str, Tensor], layers: int) -> dict[str, Tensor]:
    """The weights under torch's names; query, key and value become one matrix."""
    start = {"words": "word_embeddings", "places": "position_embeddings", "kinds": "token_type_embeddings"}
    found = {f"{mine}.weight": weights[f"embeddings.{theirs}.weight"] for mine, theirs in start.items()}
    for end in ("weight", "bias"):
        found[f"norm.{end}"] = weights[f"embeddings.LayerNorm.{end}"]
        for i in range(layers):
            layer = f"encoder.layer.{i}"
            parts = [weights[f"{layer}.attention.self.{part}.{end}"] for part in ATTENTION]
            found[f"layers.layers.{i}.self_attn.in_proj_{end}"] = torch.cat(parts)
            found |= {
                f"layers.layers.{i}.{mine}.{end}": weights[f"{layer}.{theirs}.{end}"]
                for mine, theirs in LAYER.items()
            }
    return found
