"""The fixed prompts by which a prior is scored, and the nouns or styles that they stand for."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from prior.making.styles import STYLES
from prior.making.words import Noun

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
# Prompts with two properties (colour, count, relation, ground or style), as a new user would type them.
PROPERTIES = (
    "a blue car", "two cats", "a castle on a hill at night", "a red house next to a green tree",
    "a penguin wearing a hat", "an oil painting of a lighthouse", "a yellow submarine", "three red apples",
    "a cat on a table", "a dog in the snow", "a green frog on a rock", "an elephant under a tree",
    "a watercolor painting of a sunflower", "a pencil sketch of a guitar", "a pixel art of a mushroom",
    "a bear wearing a crown", "two yellow birds", "a sailboat on the sea", "a purple butterfly on a flower",
    "a black cat at night", "a photo of a teddy bear in a room", "four strawberries", "a horse in a meadow",
    "an old man with a beard and glasses", "a pink pig next to a blue bucket", "a lion in front of a castle",
    "a robot in a city", "a lithograph of an owl", "a cactus in the desert", "a white rabbit in a forest",
)  # fmt: skip


@dataclass(frozen=True)
class Prompt:
    """A sentence; its kind (name, style, properties, course); the noun that must be seen, or ""; its style, or ""."""

    sentence: str
    kind: str
    noun: str = ""
    style: str = ""


def fixed_prompts(
    nouns: Mapping[str, Noun], known: Sequence[str], seed: int, *, names: int, styled: int
) -> list[Prompt]:
    """The prompts: names of nouns, names in a style, prompts with two properties, and the course's.

    known: the concepts that the independent judge knows; only nouns with one of them are asked for. names, styled: how many.
    """
    chance = random.Random(f"{seed} prompts")
    asked = sorted(noun.name for noun in nouns.values() if set(noun.concepts) & set(known))
    prompts = [Prompt(name, "name", name) for name in chance.sample(asked, min(names, len(asked)))]
    for index in range(styled):
        name, style = chance.choice(asked), list(STYLES)[index % len(STYLES)]
        prompts.append(Prompt(f"{style} {name}", "style", name, style))
    prompts += [Prompt(sentence, "properties") for sentence in PROPERTIES]
    return prompts + [Prompt(sentence, "course") for sentence in COURSE]
