"""How well one picture holds several readings: the two scores of the visual anagrams paper (Geng et al. 2024, 5.1).

S `[V, V]` holds the similarity of view i of the picture to prompt j; the diagonal is what was asked for.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from fundiff.pipeline.errors import UserError


def alignment_score(similarities: Tensor) -> float:
    """The worst reading: the smallest similarity of a view to its own prompt."""
    return float(similarities.diagonal().min())


def concealment_score(similarities: Tensor, scale: float) -> float:
    """How surely each view shows its own prompt and no other reading's, 0 to 1; 1 / V is chance.

    The mean diagonal of the softmax of `scale * S`, over prompts and over views; scale is the critic's.
    """
    logits = scale * similarities
    return float((logits.softmax(0).diagonal() + logits.softmax(1).diagonal()).mean() / 2)


def illusion_scores(
    similarities: Tensor, own: Sequence[int], scale: float, chance: torch.Generator, pairs: int = 200
) -> dict[str, float]:
    """Both scores of a picture, and their means if it had been asked for other prompts, drawn at random.

    similarities `[V, P]` of its views to all prompts, own the V prompts asked for. Raises UserError for too few others.
    """
    own = list(own)
    asked = similarities[:, own]
    if similarities.shape[1] - len(set(own)) < len(own):
        raise UserError(
            f"too few prompts to draw {len(own)} others at random; add some to the critic's vocabulary"
        )
    others = torch.tensor([p for p in range(similarities.shape[1]) if p not in own])
    draws = [others[torch.randperm(len(others), generator=chance)[: len(own)]] for _ in range(pairs)]
    random = [similarities[:, drawn] for drawn in draws]
    return {
        "alignment": alignment_score(asked),
        "alignment_random": sum(alignment_score(s) for s in random) / pairs,
        "concealment": concealment_score(asked, scale),
        "concealment_random": sum(concealment_score(s, scale) for s in random) / pairs,
    }
