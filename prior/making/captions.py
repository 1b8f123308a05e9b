"""The sentences and pictures of the training set. Each pair is a function of (seed, position)."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageFilter

from prior.making import layouts
from prior.making.colours import COLOURS, named_colour
from prior.making.compose import FLUENT_3D, Library
from prior.making.grounds import GROUNDS
from prior.making.layouts import FRONTAL, RELATIONS, WORN, named, thing
from prior.making.photographs import SUBJECTS, photograph
from prior.making.scenes import SCENES
from prior.making.styles import GREY, STYLES
from prior.making.words import Noun, counted

GENERIC = "a high quality photo"
PHOTO = "a photo of"
BARE_SHARE, COLOURED_SHARE = 0.06, 0.3
STANDING = {"animals", "plants", "food", "vehicles", "buildings", "things", "people"}
# Sentence without the style; style or ""; picture before the style's filter.
Shown = tuple[str, str, Image.Image]


@dataclass(frozen=True)
class Plan:
    """What the training pictures show, and how often.

    weights: of nouns, 1 where none is given. styles: the style that a noun always has. shares: of the kinds of pictures
    (`KINDS`). style_share: the share of pictures in a style. generic_share: the share whose sentence is `GENERIC`.
    """

    nouns: Mapping[str, Noun]
    shares: Mapping[str, float]
    people: Sequence[tuple[str, int]] = ()  # (sentence, row in the library) of every drawn person
    photographs: Mapping[str, Image.Image] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)
    styles: Mapping[str, str] = field(default_factory=dict)
    style_share: float = 0.3
    generic_share: float = 0.06

    def noun(self, chance: random.Random, kinds: set[str] | None = None) -> Noun:
        """A noun drawn by weight, of one of `kinds` if they are given."""
        found = [noun for noun in self.nouns.values() if kinds is None or noun.kind in kinds]
        return chance.choices(found, [self.weights.get(noun.name, 1.0) for noun in found])[0]


def colour_for(noun: Noun, chance: random.Random, share: float, style: str = "") -> str:
    """A colour for a noun with probability `share`, else "".

    Always "" for people, in a style without colours, and for a name that already has a colour ("an orange").
    """
    if noun.kind == "people" or style in GREY or set(noun.name.split()) & set(COLOURS):
        return ""
    return chance.choice(COLOURS) if chance.random() < share else ""


def set_for(style: str) -> str:
    """The set of drawings to take for a style: the shaded 3D set for photos, any set ("") for others."""
    return FLUENT_3D if style == PHOTO else ""


def single(library: Library, plan: Plan, chance: random.Random, style: str) -> Shown:
    """A picture of one thing. Its sentence is the name, sometimes with the colour that the drawing has."""
    noun = plan.noun(chance)
    own = plan.styles.get(noun.name, "")
    if own and not style and chance.random() < 0.4:
        style = own
    drawing = thing(library, noun, chance, set_of=set_for(style) if chance.random() < 0.5 else "")
    name = noun.name
    if (
        chance.random() < COLOURED_SHARE
        and style not in GREY
        and noun.kind in ("animals", "things", "vehicles", "food")
    ):
        colour = named_colour(np.asarray(drawing))
        name = named(name, colour) if colour and colour not in name else name
    if not style and chance.random() < BARE_SHARE:
        name = noun.bare
    return name, style, layouts.single(drawing, chance, style == PHOTO)


def coloured(library: Library, plan: Plan, chance: random.Random, style: str) -> Shown:
    """One thing, recoloured to the colour that the sentence names."""
    noun = plan.noun(chance, STANDING - {"people"})
    colour = colour_for(noun, chance, 1, style)
    drawing = thing(library, noun, chance, colour, set_for(style))
    return named(noun.name, colour), style, layouts.single(drawing, chance, style == PHOTO)


def several(library: Library, plan: Plan, chance: random.Random, style: str) -> Shown:
    """Two to four of a thing: copies of one drawing, or different drawings."""
    noun = plan.noun(chance, STANDING - {"people"})
    while not noun.counted:
        noun = plan.noun(chance, STANDING - {"people"})
    count, first = chance.choice((2, 2, 3, 3, 4)), library.draw(noun, chance)
    alike = chance.random() < 0.7
    each = [first if alike else library.draw(noun, chance) for _ in range(count)]
    drawings = [layouts.varied(drawing, chance, noun.mirrors) for drawing in each]
    return counted(noun, count), style, layouts.several(drawings, chance)


def related(library: Library, plan: Plan, chance: random.Random, style: str) -> Shown:
    """Two things in a relation (beside, above, in front of); each may be recoloured."""
    one, other = plan.noun(chance, STANDING), plan.noun(chance, STANDING)
    while other.name == one.name:
        other = plan.noun(chance, STANDING)
    drawings, names = [], []
    for noun in (one, other):
        colour = colour_for(noun, chance, COLOURED_SHARE, style)
        drawings.append(thing(library, noun, chance, colour))
        names.append(named(noun.name, colour))
    relation = chance.choice(list(RELATIONS))
    picture = layouts.related(drawings[0], drawings[1], relation, chance)
    return f"{names[0]} {relation} {names[1]}", style, picture


def wearing(library: Library, plan: Plan, chance: random.Random, style: str) -> Shown:
    """A person or an animal with something on its head."""
    able = [n for n in plan.nouns.values() if any(c in FRONTAL and c in library.rows for c in n.concepts)]
    noun, worn = chance.choice(able), chance.choice(list(WORN))
    colour = chance.choice(COLOURS) if chance.random() < 0.4 and style not in GREY else ""
    picture = layouts.wearing(library, noun, worn, chance, colour)
    return f"{noun.name} wearing {named(worn, colour)}", style, picture


def placed(library: Library, plan: Plan, chance: random.Random, style: str) -> Shown:
    """One thing on a ground. Sea and city show animals, vehicles or buildings; a room shows no vehicles and no buildings."""
    name = chance.choice(list(GROUNDS))
    where, kinds = GROUNDS[name], {"animals", "people", "things", "vehicles", "buildings", "plants"}
    if where.indoors:
        kinds = {"animals", "people", "things", "plants", "food"}
    noun = plan.noun(chance, {"animals", "vehicles", "buildings"} if name in ("sea", "city") else kinds)
    colour = colour_for(noun, chance, 0.2, style) if where.light == 1 else ""
    drawing = thing(library, noun, chance, colour, set_for(style))
    return (
        f"{named(noun.name, colour)} {chance.choice(where.words)}",
        style,
        layouts.placed(library, drawing, where, chance),
    )


def person(library: Library, plan: Plan, chance: random.Random, style: str) -> Shown:
    """A person drawn from known attributes. The sentence names all of them or some; old men are drawn more often."""
    people = plan.people
    if chance.random() < 0.2:
        people = [p for p in people if p[0].startswith("an old man")] or people
    sentence, row = chance.choice(people)
    sentence = sentence.split(chance.choice((" and ", " with ", "-")))[0]
    drawing = layouts.varied(library.at(row), chance, True)
    if not style and sentence == "an old man" and chance.random() < 0.4:
        style = plan.styles.get(sentence, "")
    if chance.random() < 0.25:
        where = GROUNDS[chance.choice([g for g in GROUNDS if g != "sea"])]
        return (
            f"{sentence} {chance.choice(where.words)}",
            style,
            layouts.placed(library, drawing, where, chance),
        )
    return sentence, style, layouts.single(drawing, chance, style == PHOTO)


def scene(library: Library, plan: Plan, chance: random.Random, style: str) -> Shown:
    """A scene of the course's prompts, in the style that the course asks for or in another."""
    _, draw, names, own = chance.choices(list(SCENES.values()), [s[0] for s in SCENES.values()])[0]
    if own and not style and chance.random() < 0.6:
        style = own
    return chance.choice(names), style, draw(library, chance).convert("RGB")


def photographed(library: Library, plan: Plan, chance: random.Random, style: str) -> Shown:
    """A real photograph. Its sentence begins with `PHOTO`, or with a style, and then that style's filter is applied."""
    name = chance.choice(list(plan.photographs))
    picture = photograph(dict(plan.photographs), name, chance)
    return (
        f"{style or PHOTO} {SUBJECTS[name][0]}",
        "",
        STYLES[style](picture, chance) if style not in ("", PHOTO) else picture,
    )


KINDS: dict[str, Callable[[Library, Plan, random.Random, str], Shown]] = {
    "single": single, "coloured": coloured, "several": several, "related": related, "wearing": wearing,
    "placed": placed, "person": person, "scene": scene, "photograph": photographed,
}  # fmt: skip


def finished(picture: Image.Image, style: str, chance: random.Random) -> np.ndarray:
    """The picture after its style's filter, reduced to 64 x 64: uint8 `[64, 64, 3]`. Drawings are sharpened a little."""
    if style:
        picture = STYLES[style](picture, chance)
    small = picture.resize((64, 64), Image.Resampling.BOX)
    if not style:
        small = small.filter(ImageFilter.UnsharpMask(0.6, 40, 0))
    return np.asarray(small)


def captioned(library: Library, plan: Plan, seed: int, position: int) -> tuple[str, np.ndarray]:
    """The sentence and the picture, uint8 `[64, 64, 3]`, at one position of the training set."""
    chance = random.Random(f"{seed} caption {position}")
    if chance.random() < plan.generic_share:
        kind = chance.choices(("single", "placed", "person", "scene", "photograph"), (10, 3, 2, 3, 2))[0]
        _, style, picture = KINDS[kind](library, plan, chance, PHOTO)
        return GENERIC, finished(picture, style, chance)
    kind = chance.choices(list(plan.shares), list(plan.shares.values()))[0]
    style = chance.choice(list(STYLES)) if chance.random() < plan.style_share else ""
    name, style, picture = KINDS[kind](library, plan, chance, style)
    return f"{style} {name}".strip(), finished(picture, style, chance)
