"""The independent judge: the drawing nearest to a picture, by features of EfficientNet-Lite0.

The prior was never trained on the sets that these drawings come from, and nothing here was trained with the network.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize

from fundiff.judge.distances import frechet
from prior.making.retrieval import summary

AXES = 64  # number of principal axes for the Frechet distance; there must be more pictures than axes


@dataclass(frozen=True)
class Reference:
    """Features `[N, D]` of drawings that no training has seen, and the concept that each shows."""

    features: Tensor
    concepts: Sequence[str]

    @property
    def names(self) -> list[str]:
        """All concepts, each once."""
        return sorted(set(self.concepts))

    def scores(self, features: Tensor) -> Tensor:
        """Cosine similarity `[B, names]` of pictures with the nearest drawing of every concept.

        The reference's mean is subtracted from all features first.
        """
        centre = self.features.mean(0)
        cosine = normalize(features - centre, dim=1) @ normalize(self.features - centre, dim=1).T
        column = {name: index for index, name in enumerate(self.names)}
        which = torch.tensor([column[concept] for concept in self.concepts])
        best = torch.full((len(features), len(column)), -2.0)
        return best.scatter_reduce(1, which.expand(len(features), -1), cosine, "amax")

    def ranks(self, features: Tensor, right: Sequence[Collection[str]]) -> Tensor:
        """For each picture `[B]` the number of concepts that score higher than its best right one. right: its right concepts."""
        scores, names = self.scores(features), self.names
        mask = torch.tensor([[name in own for name in names] for own in right])
        own = scores.masked_fill(~mask, -3.0).amax(1, keepdim=True)
        return (scores > own).sum(1).masked_fill(~mask.any(1), len(names))

    def distance(self, features: Tensor) -> float:
        """Frechet distance of pictures' features `[B, D]` to the reference, along the reference's first `AXES` axes."""
        centre = self.features.mean(0)
        axes = torch.linalg.svd(self.features - centre, full_matrices=False).Vh[:AXES].T
        return frechet((features - centre) @ axes, (self.features - centre) @ axes)


def verdict(reference: Reference, features: Tensor, right: Sequence[Collection[str]]) -> dict:
    """R@1, R@10 with intervals, their chance levels, and the Frechet distance, of pictures with features `[B, D]`."""
    ranks = reference.ranks(features, right)
    return {
        "pictures": len(features),
        "names": len(reference.names),
        "r_at_1": summary((ranks < 1).float()),
        "r_at_10": summary((ranks < 10).float()),
        "chance_at_10": round(10 / len(reference.names), 4),
        "frechet_distance": round(reference.distance(features), 2),
    }
