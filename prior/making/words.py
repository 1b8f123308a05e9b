"""The nouns of the prior: their names, singular and plural, and the concepts that each stands for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

KINDS = ("animals", "plants", "food", "vehicles", "buildings", "places", "sky", "things", "people", "faces")
COUNTED = {"animals", "plants", "food", "vehicles", "buildings", "things"}
ARTICLE = re.compile(r"^(an?|the) ")
DIRECTED = re.compile(
    r"clock|watch|hand|fist|thumbs|book|note|calendar|keyboard|newspaper|stop sign|earth|ticket|ruler"
)
IRREGULAR = {
    "mouse": "mice", "goose": "geese", "leaf": "leaves", "knife": "knives", "ox": "oxen", "die": "dice",
    "fish": "fish", "sheep": "sheep", "deer": "deer", "bison": "bison", "moose": "moose", "shrimp": "shrimp",
    "squid": "squid", "octopus": "octopuses", "potato": "potatoes", "tomato": "tomatoes", "mango": "mangoes",
    "foot": "feet", "tooth": "teeth",
}  # fmt: skip
NUMBERS = {2: "two", 3: "three", 4: "four"}


@dataclass(frozen=True)
class Noun:
    """A name with its article ("a cup of coffee"), its kind, and the concepts whose drawings show it.

    A noun without concepts is drawn by prior/making/sketches.py.
    """

    name: str
    kind: str
    concepts: tuple[str, ...]

    @property
    def bare(self) -> str:
        """The name without its article."""
        return ARTICLE.sub("", self.name)

    @property
    def mirrors(self) -> bool:
        """Whether a mirrored drawing still shows the noun."""
        return DIRECTED.search(self.name) is None

    @property
    def counted(self) -> bool:
        """Whether a sentence may count it: "two cats", but not "two grapes" or "two salt and peppers"."""
        return self.kind in COUNTED and self.name.startswith(("a ", "an ")) and " and " not in self.name


def read_nouns(table: Mapping[str, Any]) -> dict[str, Noun]:
    """The nouns of nouns.yaml, by name. Raises ValueError for an unknown kind or a name that occurs twice."""
    nouns: dict[str, Noun] = {}
    for kind, names in table.items():
        if kind not in KINDS:
            raise ValueError(f"{kind!r} is not a kind of noun; known are {', '.join(KINDS)}")
        for name, concepts in names.items():
            if name in nouns:
                raise ValueError(f"{name!r} stands twice")
            own = (ARTICLE.sub("", name),) if concepts is None else tuple(concepts)
            nouns[name] = Noun(name, kind, own)
    return nouns


def names_of(nouns: Mapping[str, Noun]) -> dict[str, str]:
    """The name of each concept; if several nouns have it, the name of the noun with the fewest concepts."""
    called: dict[str, str] = {}
    for noun in sorted(nouns.values(), key=lambda n: -len(n.concepts)):
        called |= dict.fromkeys(noun.concepts, noun.name)
    return called


def with_article(words: str) -> str:
    """The words with an article: "blue car" to "a blue car". Words that begin with an article stay."""
    if ARTICLE.match(words):
        return words
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def adjective(word: str, name: str) -> str:
    """A name with an adjective: "a car" and "blue" to "a blue car", "grapes" and "green" to "green grapes"."""
    bare = ARTICLE.sub("", name)
    return with_article(f"{word} {bare}") if name.startswith(("a ", "an ")) else f"{word} {bare}"


def plural(bare: str) -> str:
    """The plural: "cup of coffee" to "cups of coffee"."""
    head, mark, rest = re.match(r"(.*?)( of | with | on | in |$)(.*)", bare).groups()  # type: ignore[union-attr]
    *before, word = head.split(" ")
    if word in IRREGULAR:
        many = IRREGULAR[word]
    elif re.search(r"(s|x|z|ch|sh)$", word):
        many = word + "es"
    elif re.search(r"[^aeiou]y$", word):
        many = word[:-1] + "ies"
    else:
        many = word + "s"
    return " ".join([*before, many]) + mark + rest


def counted(noun: Noun, count: int) -> str:
    """A number of a noun in words: "three cats"."""
    return f"{NUMBERS[count]} {plural(noun.bare)}"
