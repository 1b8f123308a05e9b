"""The critic: an image encoder into the sentence space of all-MiniLM-L6-v2, trained on drawings and their names.

It compares pictures with sentences. It knows drawings, not photographs. models/critic/metrics.json has its retrieval
scores on drawings that it was not trained on.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, interpolate, normalize

from fundiff.pipeline.errors import UserError
from fundiff.prior.text import plain_text

SIZE, MAX_SCALE = 64, 50.0


class ImageEncoder(nn.Module):
    """Images `[B, 3, 64, 64]` in [-1, 1] to unit vectors `[B, 384]` in the sentence space."""

    def __init__(self, channels: Sequence[int] = (32, 64, 128, 256), width: int = 384):
        super().__init__()
        layers: list[nn.Module] = []
        inner = 3
        for outer in channels:
            layers += [nn.Conv2d(inner, outer, 4, 2, 1), nn.GroupNorm(8, outer), nn.GELU()]
            layers += [nn.Conv2d(outer, outer, 3, 1, 1), nn.GroupNorm(8, outer), nn.GELU()]
            inner = outer
        self.features = nn.Sequential(*layers)
        self.head = nn.Sequential(nn.Linear(inner * 2, 512), nn.GELU(), nn.Linear(512, width))
        self.log_scale = nn.Parameter(torch.tensor(2.7))

    def forward(self, pictures: Tensor) -> Tensor:
        """Unit vectors `[B, 384]` of pictures, which are resized to 64 x 64 if they have another size."""
        if pictures.shape[-2:] != (SIZE, SIZE):
            pictures = interpolate(pictures, (SIZE, SIZE), mode="bilinear", antialias=True)
        maps = self.features(pictures)
        return normalize(self.head(torch.cat([maps.mean((2, 3)), maps.amax((2, 3))], 1)), dim=1)


@torch.no_grad()
def sentence_vectors(sentences: Sequence[str], batch_size: int = 128) -> Tensor:
    """Unit vectors `[N, 384]` of sentences: the mean over their tokens, as all-MiniLM-L6-v2 was trained."""
    encoder, parts = plain_text(), []
    for start in range(0, len(sentences), batch_size):
        batch = list(sentences[start : start + batch_size])
        tokens, words = encoder.tokens(batch, padded=False)
        states, mask = encoder(tokens, words), words[..., None].float()
        parts.append(normalize((states * mask).sum(1) / mask.sum(1), dim=1))
    return torch.cat(parts)


def contrastive_loss(pictures: Tensor, texts: Tensor, scale: Tensor) -> Tensor:
    """CLIP's loss for unit vectors `[B, C]` (Radford et al. 2021). Rows with the same sentence count as matches."""
    logits = scale * pictures @ texts.T
    same = (texts @ texts.T > 0.9999).float()
    target = same / same.sum(1, keepdim=True)
    return (cross_entropy(logits, target) + cross_entropy(logits.T, target)) / 2


class Critic:
    """A trained critic with its retrieval scores."""

    def __init__(self, encoder: ImageEncoder, metrics: dict):
        self.encoder, self.metrics = encoder.eval().requires_grad_(False), metrics

    @property
    def scale(self) -> float:
        """Inverse temperature of the similarities in training."""
        return float(self.encoder.log_scale.exp().clamp(max=MAX_SCALE))

    def vectors(self, prompts: Sequence[str]) -> Tensor:
        """Unit vectors `[P, 384]` of prompts."""
        return sentence_vectors(prompts)

    @torch.no_grad()
    def score(self, pictures: Tensor, prompts: Sequence[str] | Tensor) -> Tensor:
        """Cosine similarity `[B, P]`, in [-1, 1], of pictures `[B, 3, S, S]` in [-1, 1] to prompts or their vectors."""
        vectors = prompts if isinstance(prompts, Tensor) else self.vectors(prompts)
        return self.encoder(pictures.float()) @ vectors.T

    def rank(self, pictures: Tensor, prompts: Sequence[str] | Tensor, right: Tensor) -> Tensor:
        """For each picture `[B]` the number of prompts that score higher than the right one.

        0 counts for R@1, below 10 for R@10.
        """
        scores = self.score(pictures, prompts)
        return (scores > scores.gather(1, right[:, None])).sum(1)


def save_critic(folder: str | Path, encoder: ImageEncoder, metrics: dict) -> None:
    """Write the weights in half precision and the metrics."""
    from safetensors.torch import save_file

    from fundiff.pipeline.files import replacing, write_json

    weights = {key: value.half().contiguous() for key, value in encoder.state_dict().items()}
    with replacing(Path(folder) / "model.safetensors") as path:
        save_file(weights, path)
    write_json(Path(folder) / "metrics.json", metrics)


def load_critic(folder: str | Path = "models/critic") -> Critic:
    """The shipped critic. Raises UserError if the folder holds none."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    folder = Path(folder)
    try:
        weights = load_file(folder / "model.safetensors")
        metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
        encoder = ImageEncoder()
        encoder.load_state_dict({key: value.float() for key, value in weights.items()})
    except (OSError, ValueError, RuntimeError, AttributeError, SafetensorError) as error:
        raise UserError(
            f"{folder}: holds no critic ({type(error).__name__}); run dvc repro prior/dvc.yaml:train_critic"
        ) from None
    return Critic(encoder, metrics)
