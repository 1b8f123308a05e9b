"""Scores of sampled digits, and their bounds: what real digits, pure noise and the mean digit score."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import mean, stdev
from typing import Any

import torch
from torch import Tensor

from fundiff.digits.data import Digits
from fundiff.judge.classifier import Judge, verdicts
from fundiff.judge.distances import coverage, frechet, kid, nearest_mse, recall
from fundiff.pipeline.errors import UserError
from fundiff.pipeline.noise import generator

SPLITS = 4  # random halvings of the held-out digits, over which scores are averaged


def quantised(images: Tensor) -> Tensor:
    """Images clamped to [0, 1] and rounded to 256 levels, as a file holds them. Only such images are scored."""
    return images.float().clamp(0, 1).mul(255).round().div(255)


def certainty(judge: Judge, images: Tensor) -> Tensor:
    """The judge's probability `[N]` of the most probable class of each of `[N, 1, 28, 28]` images."""
    features = verdicts(judge, images)[0].to(images.device).float()
    return judge.head(features).softmax(1).amax(1)


def clarity(certain: Tensor, real: Tensor) -> float:
    """Share of images whose certainty reaches a level that 95 % of the real images reach (their 5 % quantile)."""
    return (certain >= real.quantile(0.05)).double().mean().item()


@dataclass(frozen=True)
class Reference:
    """Features of held-out digits, halved at random several times.

    Samples are compared with the first halves. To get the floor, the second halves are compared with the first halves. So a
    score and its floor compare sets of the same size.
    """

    halves: list[tuple[Tensor, Tensor]]
    labels: list[Tensor]  # of the second halves

    @classmethod
    def of(cls, judge: Judge, digits: Digits, seed: int) -> Reference:
        """The reference made of held-out digits; the halvings are functions of the seed."""
        features, half = verdicts(judge, digits.images)[0], len(digits) // 2
        orders = [torch.randperm(len(digits), generator=generator(seed, "halves", i)) for i in range(SPLITS)]
        parts = [(order[:half], order[half : 2 * half]) for order in orders]
        known = digits.labels.cpu()
        return cls(
            [(features[one], features[other]) for one, other in parts], [known[other] for _, other in parts]
        )

    @property
    def size(self) -> int:
        """Digits in a half, which is the size of a sample set."""
        return len(self.halves[0][0])

    def compare(self, features: Tensor) -> dict[str, float]:
        """Frechet distance, KID, coverage and recall of `features` against the first halves, averaged."""
        return mean_of_rows([distances(features, real) for real, _ in self.halves])

    def floor(self) -> dict[str, float]:
        """The same scores of real digits: second halves against first halves."""
        return mean_of_rows([distances(other, real) for real, other in self.halves])

    def balanced_floor(self, count: int) -> dict[str, float]:
        """The same scores of `count` real digits, equally many of each class: the floor for sets of `count` samples.

        Raises UserError if a half has too few of a class.
        """
        rows = []
        for (real, other), labels in zip(self.halves, self.labels, strict=True):
            chosen = torch.cat([(labels == digit).nonzero().flatten()[: count // 10] for digit in range(10)])
            if len(chosen) != count:
                raise UserError(f"count is {count}; a half of the held-out digits has fewer of some digit")
            rows.append(distances(other[chosen], real))
        return mean_of_rows(rows)


def distances(features: Tensor, real: Tensor) -> dict[str, float]:
    """All distances between the features `[N, D]` of samples and `[M, D]` of real digits."""
    return {
        "frechet": frechet(features, real),
        "kid": kid(features, real),
        "coverage": coverage(features, real),
        "recall": recall(features, real),
    }


def mean_of_rows(rows: list[dict[str, float]]) -> dict[str, float]:
    """Mean of every key over the rows."""
    return {key: mean(row[key] for row in rows) for key in rows[0]}


def bounds(judge: Judge, reference: Reference, digits: Digits, train: Digits, seed: int) -> dict[str, float]:
    """Scores of real digits (floor), pure noise and the mean digit, and held-out digits' distance to training digits."""
    shape = (reference.size, *digits.images.shape[1:])
    noise = torch.randn(shape, generator=generator(seed, "noise")).to(digits.images.device).clamp(0, 1)
    # All rows are the same image. Its covariance is zero; the Frechet distance is still defined.
    flat = train.images.mean(0, keepdim=True).expand(shape)
    floor = reference.floor()
    ceilings = {name: verdicts(judge, images)[0] for name, images in (("noise", noise), ("mean_image", flat))}
    first = [real for real, _ in reference.halves]
    return {f"{key}_floor": floor[key] for key in ("frechet", "kid")} | {
        "coverage_real": floor["coverage"],
        "recall_real": floor["recall"],
        **{f"frechet_{k}": mean(frechet(f, real) for real in first) for k, f in ceilings.items()},
        "nearest_train_mse_real": nearest_mse(digits.images, train.images).median().item(),
    }


def scores_of_sets(
    judge: Judge, reference: Reference, train: Digits, sets: list[Tensor], labels: Tensor | None
) -> dict[str, Any]:
    """Scores of sample sets `[N, 1, 28, 28]` in [0, 1], one set a seed: mean and deviation over the sets.

    labels `[N]`: the classes asked for. Without them there is no accuracy.
    """
    rows, right = [], []
    for images in sets:
        features, predicted = verdicts(judge, images)
        row = reference.compare(features)
        row["nearest_train_mse"] = nearest_mse(images, train.images).median().item()
        if labels is not None:
            right.append((predicted == labels.cpu()).double())
            row["accuracy"] = right[-1].mean().item()
        rows.append(row)
    result: dict[str, Any] = mean_of_rows(rows)
    result |= {f"{key}_std": stdev(row[key] for row in rows) for key in rows[0] if len(rows) > 1}
    if labels is not None:
        share, mine = torch.stack(right).mean(0), labels.cpu()
        result["accuracy_per_digit"] = {str(d): share[mine == d].mean().item() for d in range(10)}
    return result


def rounded(value: Any) -> Any:
    """The same with floats to five significant digits; further digits differ between machines."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return float(f"{value:.5g}") if isinstance(value, float) else value
