"""Scoring by the critic: pictures against a frozen vocabulary, and the choice of the best of several samples."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from fundiff.critic.alignment import Alignment, alignment, best
from fundiff.critic.clip import ClipCritic
from fundiff.critic.concealment import illusion_scores
from fundiff.critic.encoder import Critic, load_critic
from fundiff.pipeline.errors import UserError
from fundiff.pipeline.files import digest
from fundiff.pipeline.noise import generator
from fundiff.prior.prompts import kept_by_content

Seen = tuple[str, Tensor, str]  # name of a reading, the N samples as it shows them `[N, 3, S, S]`, its prompt


class Scorer:
    """A critic with a vocabulary of sentences that a picture might show instead of its own prompt.

    The vocabulary is frozen, so a score does not depend on the project's other prompts.
    """

    def __init__(self, critic: Critic | ClipCritic, identity: str, vocabulary: Sequence[str]):
        self.critic, self.identity, self.vocabulary = critic, identity, list(vocabulary)

    def vectors(self, sentences: Sequence[str]) -> Tensor:
        """Unit vectors `[len(sentences), C]` in the critic's space, cached on disk by content."""
        return kept_by_content(self.identity, sentences, self._encode)

    def _encode(self, sentences: list[str]) -> list[Tensor]:
        return list(self.critic.vectors(sentences))

    def aligned(self, pictures: Tensor, prompts: Sequence[str], also: Sequence[str] = ()) -> Alignment:
        """Alignment of pictures `[N, 3, S, S]` in [-1, 1] with their N prompts; `also`: more sentences to score."""
        asked = dict.fromkeys([*prompts, *also])
        sentences = [*self.vocabulary, *(text for text in asked if text not in self.vocabulary)]
        right = torch.tensor([sentences.index(prompt) for prompt in prompts])
        return alignment(self.critic, pictures, self.vectors(sentences), right, len(self.vocabulary))

    def best_reading(
        self, seen: Sequence[Seen], seed: int, hiding: bool = False
    ) -> tuple[int, dict[str, Any]]:
        """Index of the sample whose readings show their prompts best, and its numbers.

        seen: for every reading its name, how it shows each of the N samples `[N, 3, S, S]`, and its prompt. hiding: whether each
        reading must also hide the other prompts, as a hybrid seen from near must hide what it shows from afar.
        """
        prompts = [prompt for _, _, prompt in seen]
        read = [self.aligned(pictures, [prompt] * len(pictures), prompts) for _, pictures, prompt in seen]
        own = [int(reading.right[0]) for reading in read]
        hidden = [[o for o in own if hiding and o != mine] for mine in own]
        chosen = best(torch.stack([r.margin(others) for r, others in zip(read, hidden, strict=True)]))
        similarities = torch.stack([reading.scores[chosen] for reading in read])
        chance = generator(seed, "random prompts")
        scores = illusion_scores(similarities, own, self.critic.scale, chance, len(self.vocabulary))
        readings = [
            {"seen": name, "prompt": prompt} | reading.numbers(chosen)
            for reading, (name, _, prompt) in zip(read, seen, strict=True)
        ]
        return chosen, {"readings": readings, "chosen": {"sample": chosen, "of": len(seen[0][1])}} | scores


def load_vocabulary(path: str | Path, sha256: str) -> list[str]:
    """The sentences of a vocabulary's JSON file. Raises UserError if it is missing or has another SHA-256."""
    try:
        found = digest(path)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); restore it from git") from None
    if found != sha256:
        raise UserError(f"{path}: not the file that data/critic.json names; run `dvc repro critic`")
    return [str(sentence) for sentence in json.loads(Path(path).read_text(encoding="utf-8"))]


def load_scorer(manifest: str | Path = "data/critic.json") -> Scorer:
    """The critic and the vocabulary in the manifest of stage `critic`. Raises UserError if one cannot be loaded."""
    try:
        pinned = json.loads(Path(manifest).read_text(encoding="utf-8"))
        critic_files = {"name": pinned["name"], "files": pinned["files"]}
        path, sha256 = pinned["vocabulary"]["file"], pinned["vocabulary"]["sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        raise UserError(f"{manifest}: missing or unreadable; run `dvc repro critic`") from None
    name, vocabulary = critic_files["name"], load_vocabulary(path, sha256)
    critic = load_critic(name) if (Path(name) / "metrics.json").exists() else ClipCritic(name)
    identity = hashlib.sha256(json.dumps(critic_files, sort_keys=True).encode()).hexdigest()
    return Scorer(critic, f"critic {identity}", vocabulary)
