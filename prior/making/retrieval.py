"""The critic's scores of pictures, each with its interval."""

from __future__ import annotations

import torch
from torch import Tensor

from fundiff.critic.encoder import Critic


def interval(values: Tensor, seed: int = 0, rounds: int = 1000) -> tuple[float, float]:
    """The 95 % bootstrap interval of the mean of values `[N]`."""
    chance = torch.Generator().manual_seed(seed)
    values = values.double()
    rows = torch.randint(len(values), (rounds, len(values)), generator=chance)
    low, high = values[rows].mean(1).quantile(torch.tensor([0.025, 0.975], dtype=torch.double)).tolist()
    return low, high


def summary(values: Tensor) -> dict[str, float]:
    """Mean of values `[N]` and the 95 % bootstrap interval of the mean, rounded for a metrics file."""
    low, high = interval(values.double())
    return {"mean": round(float(values.double().mean()), 4), "low": round(low, 4), "high": round(high, 4)}


def retrieval(critic: Critic, images: Tensor, vectors: Tensor, right: Tensor) -> dict:
    """R@1, R@10 and alignment of images `[B, 3, S, S]` with sentences' vectors `[P, C]`.

    right `[B]`: the row of each image's own sentence. The alignment of wrong sentences is the mean over all others; it is the
    baseline of the right one.
    """
    scores = torch.cat([critic.score(part, vectors) for part in images.split(256)])
    own = scores.gather(1, right[:, None])
    rank = (scores > own).sum(1)
    others = (scores.sum(1) - own[:, 0]) / (scores.shape[1] - 1)
    return {
        "r_at_1": summary((rank < 1).float()),
        "r_at_10": summary((rank < 10).float()),
        "alignment_right": summary(own[:, 0]),
        "alignment_wrong": summary(others),
    }
