"""The 200 prompts on which a prior is judged, and which names or styles they stand for."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from prior.making.captions import choose_pairs, phrase
from prior.making.styles import STYLES

COURSE = (
    "an oil painting of a snowy mountain village",
    "a man wearing a hat",
    "a rocket ship",
    "a photo of the amalfi coast",
    "a photo of a man",
    "a photo of a hipster barista",
    "a photo of a dog",
    "an oil painting of people around a campfire",
    "an oil painting of an old man",
    "a lithograph of waterfalls",
    "a lithograph of a skull",
    "a high quality photo",
    "a pencil",
)


@dataclass(frozen=True)
class Prompt:
    """A sentence, its kind (name, keyword, scene, style, course), the concept that must be seen or "", its
    style or ""."""

    sentence: str
    kind: str
    concept: str = ""
    style: str = ""


def fixed_prompts(
    concepts: Sequence[str],
    keywords: Mapping[str, Sequence[str]],
    seed: int,
    *,
    names: int,
    words: int,
    scenes: int,
    styled: int,
) -> list[Prompt]:
    """The prompts: names, keywords, pairs that were not in training, styles of names, the course's 13."""
    chance = random.Random(f"{seed} prompts")
    prompts = [Prompt(phrase(concept), "name", concept) for concept in concepts[:names]]
    with_words = [concept for concept in concepts if keywords.get(concept)]
    for concept in chance.sample(with_words, min(words, len(with_words))):
        prompts.append(Prompt(chance.choice(list(keywords[concept])), "keyword", concept))
    for one, other in choose_pairs(concepts, scenes, seed, "unseen"):
        prompts.append(Prompt(f"{phrase(one)} and {phrase(other)}", "scene"))
    for index in range(styled):
        concept, style = chance.choice(list(concepts)), list(STYLES)[index % len(STYLES)]
        prompts.append(Prompt(f"{style} {phrase(concept)}", "style", concept, style))
    return prompts + [Prompt(sentence, "course") for sentence in COURSE]
