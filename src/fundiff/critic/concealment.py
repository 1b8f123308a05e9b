"""Scores of illusions, pictures with several readings (Geng et al. 2024, section 5.1).

S `[V, V]` holds the similarity of view i of the picture to prompt j; the diagonal holds each view's own prompt.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def alignment_score(similarities: Tensor) -> float:
    """The worst reading: the smallest similarity of a view to its own prompt."""
    return float(similarities.diagonal().min())


def concealment_score(similarities: Tensor, scale: float) -> float:
    """How clearly each view shows its own prompt and not another view's, 0 to 1; chance is 1 / V.

    Mean diagonal of the softmax of `scale * S`, taken over prompts and over views; scale is the critic's.
    """
    logits = scale * similarities
    return float((logits.softmax(0).diagonal() + logits.softmax(1).diagonal()).mean() / 2)


def illusion_scores(
    similarities: Tensor,
    own: Sequence[int],
    scale: float,
    chance: torch.Generator,
    vocabulary: int,
    pairs: int = 200,
) -> dict[str, float]:
    """Both scores of a picture, and the means of both for random sentences in place of its prompts.

    similarities `[V, P]`: its V views against all sentences. own: the V columns of its prompts. Random sentences come
    from the first `vocabulary` columns, `pairs` sets of V. Raises ValueError if fewer than V are left.
    """
    own = list(own)
    asked = similarities[:, own]
    others = torch.tensor([p for p in range(vocabulary) if p not in own])
    if len(others) < len(own):
        raise ValueError(f"a vocabulary of {vocabulary} sentences has no {len(own)} others to draw")
    draws = [others[torch.randperm(len(others), generator=chance)[: len(own)]] for _ in range(pairs)]
    random = [similarities[:, drawn] for drawn in draws]
    return {
        "alignment": alignment_score(asked),
        "alignment_random": sum(alignment_score(s) for s in random) / pairs,
        "concealment": concealment_score(asked, scale),
        "concealment_random": sum(concealment_score(s, scale) for s in random) / pairs,
    }
