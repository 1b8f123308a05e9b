"""Whether a picture shows what its prompt says, in the critic's eyes, beside what it scores by other sentences."""

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

    The first `vocabulary` columns are the critic's frozen vocabulary: what the own prompt is compared with.
    """

    scores: Tensor
    right: Tensor
    vocabulary: int

    @property
    def own(self) -> Tensor:
        """The similarity to the own prompt, `[N]`."""
        return self.scores.gather(1, self.right[:, None]).squeeze(1)

    @property
    def wrong(self) -> Tensor:
        """The mean similarity to the vocabulary's other sentences, `[N]`."""
        inside = (self.right < self.vocabulary).to(self.scores)
        total = self.scores[:, : self.vocabulary].sum(1) - self.own * inside
        return total / (self.vocabulary - inside).clamp(min=1)

    @property
    def rank(self) -> Tensor:
        """The own prompt's place among the vocabulary, `[N]`; 1 is the best."""
        return 1 + (self.scores[:, : self.vocabulary] > self.own[:, None]).sum(1)

    def margin(self, others: Sequence[int] = ()) -> Tensor:
        """How far the own prompt stands above the wrong ones, `[N]`: what the best of N is chosen by.

        Above their mean, and above each of the columns `others`: what other views of the same picture have to show.
        """
        over = [self.wrong, *(self.scores[:, other] for other in others)]
        return self.own - torch.stack(over).amax(0)

    def mean(self) -> dict[str, float]:
        """The metrics of all pictures, averaged."""
        return {"own_prompt": float(self.own.mean()), "wrong_prompts": float(self.wrong.mean())}

    def numbers(self, i: int) -> dict[str, Any]:
        """The metrics of picture i; rank 1 is the best."""
        return {
            "own_prompt": float(self.own[i]),
            "wrong_prompts": float(self.wrong[i]),
            "rank": int(self.rank[i]),
        }


def alignment(
    critic: Critic | ClipCritic, images: Tensor, sentences: Tensor, right: Tensor, vocabulary: int
) -> Alignment:
    """Score images `[N, 3, S, S]` in [-1, 1] by sentences' vectors `[P, C]`; right `[N]` is each image's own column."""
    return Alignment(critic.score(images.clamp(-1, 1).cpu(), sentences), right, vocabulary)


def best(margins: Tensor) -> int:
    """The sample whose worst reading is best: margins `[views, N]` -> index in N."""
    return int(torch.as_tensor(margins).amin(0).argmax())
