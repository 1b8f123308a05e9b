"""Whether a picture shows what its prompt says, in the critic's eyes, against what it would score by a wrong prompt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from fundiff.clip_critic import ClipCritic
from fundiff.critic import Critic


@dataclass(frozen=True)
class Alignment:
    """Per picture `[N]`: cosine similarity to its own prompt, mean similarity to the others, and the own one's rank."""

    own: Tensor
    wrong: Tensor
    rank: Tensor

    @property
    def margin(self) -> Tensor:
        """How far the own prompt stands above the wrong ones, `[N]`: what best-of-N picks by."""
        return self.own - self.wrong

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
    scores = critic.score(images.clamp(-1, 1).cpu(), sentences)
    own = scores.gather(1, right[:, None]).squeeze(1)
    wrong = (scores.sum(1) - own) / max(1, scores.shape[1] - 1)
    return Alignment(own, wrong, 1 + (scores > own[:, None]).sum(1))


def best(margins: Tensor) -> int:
    """The sample whose worst reading is best: margins `[views, N]` -> index in N."""
    return int(torch.as_tensor(margins).amin(0).argmax())
