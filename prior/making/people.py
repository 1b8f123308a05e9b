"""Drawings of people with known attributes, so that a sentence about them is true.

They are avatars of @dicebear; the options are chosen here.
"""

from __future__ import annotations

import json
import random
import subprocess
import tarfile
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fundiff.pipeline.errors import UserError
from prior.making.drawings import Drawing

Options = dict[str, Any]
HAIR = {"black": "2c1b18", "brown": "724133", "blond": "d6b370", "red": "c93305", "grey": "cfcfd2"}


@dataclass(frozen=True)
class Style:
    """The names that a style of avatars has for its options: heads of men and women, hats, beards, glasses.

    keys: the options' own names for head, beard, glasses and hair colour; "" if the style has none. always: options that are
    always set. old: heads of an old man and an old woman, for styles in which no other hair can be grey.
    """

    men: Sequence[str]
    women: Sequence[str]
    hats: Sequence[str]
    bald: Sequence[str]
    beards: Sequence[str]
    moustaches: Sequence[str]
    glasses: Sequence[str]
    sunglasses: Sequence[str]
    keys: dict[str, str]
    always: Options
    old: tuple[str, str] = ("", "")


def numbered(stem: str, first: int, last: int) -> list[str]:
    """`stem01`, `stem02`, ... as the packages number their options."""
    return [f"{stem}{i:02}" for i in range(first, last + 1)]


STYLES = {
    "personas": Style(
        men=("shortCombover", "curlyHighTop", "buzzcut", "fade", "mohawk", "shortComboverChops"),
        women=("long", "bobCut", "bobBangs", "pigtails", "curlyBun", "straightBun", "extraLong"),
        hats=("beanie", "cap"), bald=("bald",), beards=("beardMustache",), moustaches=("walrus", "pyramid"),
        glasses=("glasses",), sunglasses=("sunglasses",),
        keys={"head": "hair", "beard": "facialHair", "glasses": "eyes", "colour": "hairColor"},
        always={"mouth": ["smile", "frown", "bigSmile", "smirk"]},
    ),
    "open-peeps": Style(
        men=("short1", "short2", "short3", "short4", "short5", "flatTop", "pomp", "shaved1"),
        women=("long", "longBangs", "bun", "buns", "medium1", "medium2", "mediumBangs", "longCurly"),
        hats=("hatBeanie", "hatHip"), bald=("noHair1", "noHair2", "noHair3"),
        beards=("full", "full2", "full3", "full4"), moustaches=[f"moustache{i}" for i in range(1, 10)],
        glasses=("glasses", "glasses2", "glasses3", "glasses4"), sunglasses=("sunglasses", "sunglasses2"),
        keys={"head": "head", "beard": "facialHair", "glasses": "accessories", "colour": "headContrastColor"},
        old=("grayShort", "grayMedium"),
        always={"maskProbability": 0, "face": ["smile", "calm", "smileBig", "serious", "cute"]},
    ),
    "adventurer": Style(
        men=(), women=numbered("long", 1, 26), hats=(), bald=(), beards=(), moustaches=(),
        glasses=numbered("variant", 1, 5), sunglasses=(),
        keys={"head": "hair", "beard": "", "glasses": "glasses", "colour": "hairColor"},
        always={"featuresProbability": 0, "skinColor": ["f2d3b1", "ecad80", "9e5622"]},
    ),
    "micah": Style(
        men=("fonze", "dougFunny", "dannyPhantom"), women=("full", "pixie"), hats=("turban",), bald=("mrClean",),
        beards=("beard",), moustaches=(), glasses=("round", "square"), sunglasses=(),
        keys={"head": "hair", "beard": "facialHair", "glasses": "glasses", "colour": "hairColor"},
        always={"earringsProbability": 0, "glassesColor": ["000000"], "mouth": ["smile", "smirk", "laughing"],
                "baseColor": ["f9c9b6", "ac6651", "77311d"]},
    ),
    "toon-head": Style(
        men=("sideComed", "undercut", "spiky"), women=("sideComed", "bun"), hats=(), bald=(),
        beards=("fullBeard", "longBeard"), moustaches=("moustacheTwirl",), glasses=(), sunglasses=(),
        keys={"head": "hair", "beard": "beard", "glasses": "", "colour": "hairColor"},
        always={"mouth": ["laugh", "smile"], "eyes": ["happy", "wide"], "eyebrows": ["raised", "happy", "neutral"]},
    ),
}  # fmt: skip


def person(style: Style, chance: random.Random) -> tuple[str, Options]:
    """A sentence ("an old man with a beard and glasses") and the options of an avatar that make it true."""
    options: Options = dict(style.always)
    man, old = bool(style.men) and chance.random() < 0.62, chance.random() < 0.3
    marks, worn, adjective = [], "", "old " if old else ""
    colour = "grey" if old else chance.choice([c for c in HAIR if c != "grey"])
    head = (old and style.old[not man]) or chance.choice(style.men if man else style.women)
    if man and style.hats and not (old and style.old[0]) and chance.random() < 0.3:
        head = chance.choice(style.hats)
        worn = " wearing a turban" if head == "turban" else " wearing a hat"
    elif man and style.bald and not old and chance.random() < 0.15:
        head, adjective = chance.choice(style.bald), adjective + "bald "
    elif not old and not style.old[0] and chance.random() < 0.5:
        marks.append(f"{colour} hair")
    options |= {style.keys["head"]: [head], f"{style.keys['head']}Probability": 100}
    options |= {key: [HAIR[colour]] for key in (style.keys["colour"], "facialHairColor")}
    if style.keys["beard"]:
        options[f"{style.keys['beard']}Probability"] = 0
    if man and style.beards and chance.random() < (0.75 if old else 0.4):
        marks.append("a beard")
        options |= {style.keys["beard"]: list(style.beards), f"{style.keys['beard']}Probability": 100}
    elif man and style.moustaches and chance.random() < 0.3:
        marks.append("a mustache")
        options |= {style.keys["beard"]: list(style.moustaches), f"{style.keys['beard']}Probability": 100}
    options |= spectacles(style, chance, marks)
    said = " and ".join(marks[-2:])
    noun = f"{adjective}{'man' if man else 'woman'}"
    sentence = f"{'an' if noun[0] == 'o' else 'a'} {noun}{worn}{' with ' + said if said else ''}"
    return sentence, options | (
        {"rearHairProbability": 0 if man else 100} if "eyebrows" in style.always else {}
    )


def spectacles(style: Style, chance: random.Random, marks: list[str]) -> Options:
    """The options for glasses, sunglasses or neither; their word is appended to `marks`."""
    key = style.keys["glasses"]
    if not key:
        return {}
    kinds = [(k, v) for k, v in (("glasses", style.glasses), ("sunglasses", style.sunglasses)) if v]
    if chance.random() < 0.35:
        name, values = chance.choice(kinds)
        marks.append(name)
        return {key: list(values), f"{key}Probability": 100}
    return {key: ["open", "happy"]} if key == "eyes" else {f"{key}Probability": 0}


def avatars(files: Sequence[Path], count: int, seed: int) -> list[Drawing]:
    """`count` people of each style, drawn by @dicebear in node. Raises UserError if node fails."""
    requests, sentences = [], []
    for name, style in STYLES.items():
        for index in range(count):
            chance = random.Random(f"{seed} person {name} {index}")
            sentence, options = person(style, chance)
            requests.append({"style": name, "seed": f"{seed} {index}", "options": options})
            sentences.append(sentence)
    with tempfile.TemporaryDirectory() as temporary:
        for file in files:
            name = file.name.removeprefix("dicebear-").rsplit("-", 1)[0]
            with tarfile.open(file) as archive:
                archive.extractall(temporary, filter="data")
            target = Path(temporary, "node_modules/@dicebear", name)
            target.parent.mkdir(parents=True, exist_ok=True)
            Path(temporary, "package").rename(target)
        command = ["node", str(Path(__file__).with_name("avatars.mjs")), temporary]
        try:
            done = subprocess.run(
                command, input=json.dumps(requests), capture_output=True, text=True, check=True
            )
        except FileNotFoundError:
            raise UserError("node is not installed; it draws the people") from None
        except subprocess.CalledProcessError as error:
            raise UserError(
                f"node avatars.mjs failed: {(error.stderr.strip().splitlines() or ['?'])[-1]}"
            ) from None
    svgs = json.loads(done.stdout)
    return [
        Drawing(sentence, f"dicebear-{request['style']}", svg)
        for sentence, request, svg in zip(sentences, requests, svgs, strict=True)
    ]
