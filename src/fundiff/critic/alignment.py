"""Whether a picture shows what its prompt says, in the critic's eyes, against what it would score by a wrong prompt."""

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
    """Cosine similarities `[N, P]` of pictures to all prompts, and each picture's own prompt `[N]`."""

    scores: Tensor
    right: Tensor

    @property
    def own(self) -> Tensor:
        """The similarity to the own prompt, `[N]`."""
        return self.scores.gather(1, self.right[:, None]).squeeze(1)

    @property
    def wrong(self) -> Tensor:
        """The mean similarity to the other prompts, `[N]`."""
        return (self.scores.sum(1) - self.own) / max(1, self.scores.shape[1] - 1)

    @property
    def rank(self) -> Tensor:
        """The own prompt's place among all, `[N]`; 1 is the best."""
        return 1 + (self.scores > self.own[:, None]).sum(1)

    def margin(self, others: Sequence[int] = ()) -> Tensor:
        """How far the own prompt stands above the wrong ones, `[N]`: what best-of-N picks by.

        Above their mean, and above each of `others`: what other views of the same picture are to show.
        """
        over = [self.wrong, *(self.scores[:, other] for other in others)]
        return self.own - torch.stack(over).amax(0)

    def mean(self) -> dict[str, float]:
        """All pictures' as metrics, averaged."""
        return {"own_prompt": float(self.own.mean()), "wrong_prompts": float(self.wrong.mean())}

    def numbers(self, i: int) -> dict[str, Any]:
        """Picture i's as metrics; rank 1 is the best."""
        return {
            "own_prompt": float(self.own[i]),
            "wrong_prompts": float(self.wrong[i]),
            "rank": int(self.rank[i]),
        }


def alignment(critic: Critic | ClipCritic, images: Tensor, sentences: Tensor, right: Tensor) -> Alignment:
    """Judge images `[N, 3, S, S]` in [-1, 1]; sentences `[P, C]` of all prompts, right `[N]` each image's own."""
    return Alignment(critic.score(images.clamp(-1, 1).cpu(), sentences), right)


def best(margins: Tensor) -> int:
    """The sample whose worst reading is best: margins `[views, N]` -> index in N."""
    return int(torch.as_tensor(margins).amin(0).argmax())
