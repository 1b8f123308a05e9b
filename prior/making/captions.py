"""What the training pictures say: every picture and its sentence are functions of (seed, position)."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageFilter

from prior.making.compose import PALE, WHITE, Library, gradient, ground, place, shade
from prior.making.drawings import DIRECTED, FLUENT_3D
from prior.making.scenes import SCENES
from prior.making.styles import STYLES, shadowed

GENERIC = "a high quality photo"
PHRASES = {
    "automobile": "car",
    "hot beverage": "cup of coffee",
    "deciduous tree": "tree",
    "wrapped gift": "gift",
    "jack-o-lantern": "halloween pumpkin",
    "closed book": "book",
    "lady beetle": "ladybug",
    "honeybee": "bee",
    "rocket": "rocket ship",
    "locomotive": "steam train",
    "hourglass done": "hourglass",
    "red apple": "apple",
    "snow-capped mountain": "snowy mountain",
    "Tokyo tower": "red tower",
    "crescent moon": "moon",
    "fire": "flame",
    "globe showing Americas": "globe of the earth",
    "grinning face": "happy face",
    "money bag": "bag of money",
    "smiling face with sunglasses": "face with sunglasses",
    "ear of corn": "corn cob",
    "gem stone": "diamond",
    "man: beard": "man with a beard",
    "person: beard": "man with a beard",
    "top hat": "top hat",
    "package": "box",
    "cheese wedge": "piece of cheese",
    "t-shirt": "shirt",
    "high-heeled shoe": "red shoe",
    "woman’s hat": "hat",
    "person in lotus position": "person sitting",
    "man cook": "cook",
    "deciduous": "tree",
    "billed cap": "cap",
    "dog face": "dog",
    "cat face": "cat",
    "rabbit face": "rabbit",
    "pig face": "pig",
    "cow face": "cow",
    "tiger face": "tiger",
    "monkey face": "monkey",
    "spouting whale": "whale",
    "baby chick": "chick",
    "soft ice cream": "ice cream",
    "high voltage": "lightning bolt",
    "fire engine": "fire truck",
    "cooking": "fried egg",
}
PLURAL = {"cherries", "grapes", "glasses", "eyes", "jeans", "scissors", "bread", "broccoli", "Santa Claus"}
STYLE_SHARE, BARE_SHARE, WHITE_SHARE = 0.16, 0.08, 0.72


@dataclass(frozen=True)
class Plan:
    """Which concepts, how often what: concept weights, each concept's own style, shares of scenes, pairs,
    generic; what the generic pictures show, scenes or concepts (empty: whatever the others show)."""

    concepts: Sequence[str]
    weights: Mapping[str, float] = field(default_factory=dict)
    styles: Mapping[str, str] = field(default_factory=dict)
    keywords: Mapping[str, Sequence[str]] = field(default_factory=dict)
    pairs: Sequence[tuple[str, str]] = ()
    generic: Sequence[str] = ()
    scene_share: float = 0.24
    pair_share: float = 0.05
    generic_share: float = 0.05
    keyword_share: float = 0.03


def phrase(concept: str) -> str:
    """A concept as it is spoken of: "automobile" is "a car", "grapes" stays "grapes"."""
    name = PHRASES.get(concept, concept).lower().replace("’", "'").replace(":", "")
    if concept in PLURAL:
        return name
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def choose_pairs(concepts: Sequence[str], count: int, seed: int, purpose: str) -> list[tuple[str, str]]:
    """`count` pairs of different concepts; the pairs of the purpose "unseen" and of "training" never meet."""
    chance = random.Random(f"{seed} {purpose}")
    order = {name: index for index, name in enumerate(sorted(concepts))}
    parity = int(purpose == "unseen")
    pairs: dict[tuple[str, str], None] = {}
    while len(pairs) < count:
        one, other = chance.sample(list(concepts), 2)
        if (order[one] + order[other]) % 2 == parity:
            pairs[one, other] = None
    return list(pairs)


def whitish(drawing: Image.Image) -> bool:
    """Whether most of a cut-out is as good as white."""
    values = np.asarray(drawing)
    return float((values[values[..., 3] > 128][:, :3].min(axis=1) > 200).mean()) > 0.6


def single(library: Library, concept: str, style: str, chance: random.Random) -> Image.Image:
    """One drawing of a concept, a little turned, moved and scaled, on white or plain ground, in a style or
    as it is."""
    rows = library.rows[concept]
    if style == "a photo of":
        rows = [row for row in rows if library.sets[row] == FLUENT_3D] or rows
    drawing = library.at(chance.choice(rows))
    if DIRECTED.search(concept.lower()) is None and chance.random() < 0.5:
        drawing = drawing.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if chance.random() < 0.4:
        drawing = drawing.rotate(chance.uniform(-9, 9), Image.Resampling.BICUBIC, expand=True)
    pale = chance.choice(PALE)
    size, x = chance.uniform(94, 120), chance.uniform(60, 68)
    foot = 64 + size * drawing.height / max(drawing.size) / 2 + chance.uniform(-3, 3)
    if style in ("an oil painting of", "a photo of"):
        canvas = gradient(shade(pale, chance.uniform(0.75, 1)), shade(pale, chance.uniform(0.55, 0.9)))
    else:
        # What is white itself (a cloud, a ghost) would not be seen on white.
        canvas = ground(WHITE if chance.random() < WHITE_SHARE and not whitish(drawing) else pale)
    if style == "a photo of":
        layer = Image.new("RGBA", canvas.size)
        place(layer, drawing, x, foot, size * 0.92)
        return shadowed(layer.convert("RGB"), layer.getchannel("A"), canvas.convert("RGB"))
    place(canvas, drawing, x, foot, size)
    return canvas.convert("RGB")


def pair(library: Library, concepts: tuple[str, str], chance: random.Random) -> Image.Image:
    """Two drawings side by side on white or plain ground."""
    canvas = ground(WHITE if chance.random() < WHITE_SHARE else chance.choice(PALE))
    for concept, x in zip(concepts, (34, 94), strict=True):
        size = chance.uniform(54, 62)
        drawing = library.pick(chance, concept)
        place(
            canvas,
            drawing,
            x,
            64 + size * drawing.height / max(drawing.size) / 2 + chance.uniform(-6, 6),
            size,
        )
    return canvas.convert("RGB")


def chosen_style(own: str, chance: random.Random) -> str:
    """A style or "": the subject's own style often, any style sometimes."""
    if own and chance.random() < 0.45:
        return own
    return chance.choice(list(STYLES)) if chance.random() < STYLE_SHARE else ""


def subject(
    library: Library, plan: Plan, chance: random.Random, generic: bool
) -> tuple[str, str, Image.Image]:
    """What is shown: its phrase, its style or "", and the picture before the style's filter, at twice the
    size."""
    chosen, kind = chance.choice(plan.generic) if generic and plan.generic else "", chance.random()
    if chosen in SCENES or (not chosen and kind < plan.scene_share):
        weights = [scene[0] for scene in SCENES.values()]
        _, draw, names, own = SCENES[chosen] if chosen else chance.choices(list(SCENES.values()), weights)[0]
        style = "a photo of" if generic else chosen_style(own, chance)
        return chance.choice(names), style, draw(library, chance).convert("RGB")
    if not generic and kind < plan.scene_share + plan.pair_share:
        concepts = chance.choice(plan.pairs)
        return f"{phrase(concepts[0])} and {phrase(concepts[1])}", "", pair(library, concepts, chance)
    weights = [plan.weights.get(concept, 1.0) for concept in plan.concepts]
    concept = chosen or chance.choices(plan.concepts, weights)[0]
    style = "a photo of" if generic else chosen_style(plan.styles.get(concept, ""), chance)
    name, words = phrase(concept), plan.keywords.get(concept, ())
    if not style and chance.random() < BARE_SHARE:
        name = name.removeprefix("an ").removeprefix("a ")
    elif not style and words and chance.random() < plan.keyword_share:
        name = chance.choice(words)
    return name, style, single(library, concept, style, chance)


def captioned(library: Library, plan: Plan, seed: int, position: int) -> tuple[str, np.ndarray]:
    """The sentence and the picture, uint8 `[64, 64, 3]`, at a position of the training set."""
    chance = random.Random(f"{seed} caption {position}")
    generic = chance.random() < plan.generic_share
    name, style, picture = subject(library, plan, chance, generic)
    if style:
        picture = STYLES[style](picture, chance)
    small = picture.resize((64, 64), Image.Resampling.BOX)
    if style not in ("a photo of", "an oil painting of"):
        small = small.filter(ImageFilter.UnsharpMask(0.6, 40, 0))
    sentence = GENERIC if generic else f"{style} {name}".strip()
    return sentence, np.asarray(small)
