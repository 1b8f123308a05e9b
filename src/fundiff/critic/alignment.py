"""Alignment: the critic's similarity of a picture to its own prompt, compared with other sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from fundiff.critic.clip import ClipCritic
from fundiff.critic.encoder import Critic


@dataclass(frozen=True)
class Alignment:
    """Cosine similarities `[N, P]` of pictures to sentences, and the column of each picture's own prompt `[N]`.

    The first `vocabulary` columns are the critic's frozen vocabulary, with which the own prompt is compared.
    """

    scores: Tensor
    right: Tensor
    vocabulary: int

    @property
    def own(self) -> Tensor:
        """Similarity to the own prompt, `[N]`."""
        return self.scores.gather(1, self.right[:, None]).squeeze(1)

    @property
    def wrong(self) -> Tensor:
        """Mean similarity to the other sentences of the vocabulary, `[N]`."""
        inside = (self.right < self.vocabulary).to(self.scores)
        total = self.scores[:, : self.vocabulary].sum(1) - self.own * inside
        return total / (self.vocabulary - inside).clamp(min=1)

    @property
    def rank(self) -> Tensor:
        """Rank of the own prompt among the vocabulary, `[N]`; 1 is the best."""
        return 1 + (self.scores[:, : self.vocabulary] > self.own[:, None]).sum(1)

    def margin(self, others: Sequence[int] = ()) -> Tensor:
        """Similarity to the own prompt minus that to wrong ones, `[N]`; the best of N samples has the largest margin.

        Wrong similarities are the mean over the vocabulary and each column of `others` (prompts of other views of the same
        picture). The largest of them is subtracted.
        """
        over = [self.wrong, *(self.scores[:, other] for other in others)]
        return self.own - torch.stack(over).amax(0)

    def mean(self) -> dict[str, float]:
        """Metrics averaged over the pictures."""
        return {"own_prompt": float(self.own.mean()), "wrong_prompts": float(self.wrong.mean())}

    def numbers(self, i: int) -> dict[str, Any]:
        """Metrics of picture i."""
        return {
            "own_prompt": float(self.own[i]),
            "wrong_prompts": float(self.wrong[i]),
            "rank": int(self.rank[i]),
        }


def alignment(
    critic: Critic | ClipCritic, pictures: Tensor, sentences: Tensor, right: Tensor, vocabulary: int
) -> Alignment:
    """Score pictures `[N, 3, S, S]` in [-1, 1] against sentence vectors `[P, C]`; right `[N]`: column of each own prompt."""
    return Alignment(critic.score(pictures.clamp(-1, 1).cpu(), sentences), right, vocabulary)


def best(margins: Tensor) -> int:
    """Index of the sample whose smallest margin over its views is the largest; margins `[views, N]`."""
    return int(torch.as_tensor(margins).amin(0).argmax())
