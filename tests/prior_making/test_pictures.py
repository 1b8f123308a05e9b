"""The training pictures: captions are true, pictures are functions of (seed, position), every kind can be made."""

import random
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image, ImageDraw

from prior.making.captions import GENERIC, KINDS, Plan, captioned, colour_for
from prior.making.colours import COLOURS, colour_masks, named_colour, recoloured, rgb2hsv
from prior.making.compose import Library
from prior.making.grounds import GROUNDS, dimmed
from prior.making.layouts import FRONTAL, RELATIONS, WORN, several
from prior.making.people import STYLES as AVATARS
from prior.making.people import person
from prior.making.photographs import SUBJECTS, load, photograph
from prior.making.scenes import FACES, HATS, NEEDED
from prior.making.sketches import SKETCHES, sketched
from prior.making.styles import GREY, STYLES
from prior.making.warps import warped
from prior.making.words import Noun, adjective, counted, names_of, plural, read_nouns

NOUNS = read_nouns(yaml.safe_load(Path("prior/nouns.yaml").read_text(encoding="utf-8")))


def disc(colour: tuple[int, int, int]) -> np.ndarray:
    picture = Image.new("RGBA", (64, 64))
    ImageDraw.Draw(picture).ellipse([8, 8, 56, 56], fill=(*colour, 255))
    return np.asarray(picture)


@pytest.fixture(scope="module")
def library() -> Library:
    concepts = sorted(
        {*NEEDED, *FACES, *HATS, *FRONTAL, *(c for worn in WORN.values() for c in worn), "dog", "rocket"}
    )
    pixels = np.stack([disc((37 * i % 256, 91 * i % 256, 53 * i % 256)) for i in range(len(concepts))])
    return Library(pixels, concepts, ["noto"] * len(concepts))


@pytest.fixture(scope="module")
def plan(library) -> Plan:
    known = {name: noun for name, noun in NOUNS.items() if library.rows_of(noun) or name in SKETCHES}
    shares = dict.fromkeys(KINDS, 1.0)
    return Plan(known, shares, people=[("an old man with a beard and glasses", 0)], photographs=load())


def test_the_nouns_are_many_and_none_is_a_plural_of_nothing():
    assert len(NOUNS) >= 400
    assert all(noun.name in SKETCHES for noun in NOUNS.values() if not noun.concepts)


@pytest.mark.parametrize(
    ("bare", "many"),
    [("cat", "cats"), ("mouse", "mice"), ("cup of coffee", "cups of coffee"), ("fly", "flies"), ("bus", "buses"),
     ("kitchen knife", "kitchen knives"), ("watch", "watches"), ("monkey", "monkeys"), ("drink with a straw", "drinks with a straw")],
)  # fmt: skip
def test_plurals(bare, many):
    assert plural(bare) == many


def test_what_has_no_article_is_neither_counted_nor_given_one():
    assert not Noun("grapes", "food", ("grapes",)).counted and Noun("a cat", "animals", ("cat",)).counted
    assert adjective("green", "grapes") == "green grapes" and adjective("orange", "a cat") == "an orange cat"
    assert counted(NOUNS["a goose"], 3) == "three geese"


def test_the_narrowest_noun_names_a_concept():
    called = names_of(NOUNS)
    assert called["locomotive"] == "a steam train" and called["dog face"] == "a dog"


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("of", [(200, 40, 40), (60, 120, 220), (230, 230, 230), (240, 200, 60)])
def test_a_recoloured_drawing_has_the_colour_that_is_said(colour, of):
    assert named_colour(recoloured(disc(of), colour)) == colour


def test_a_drawing_of_two_colours_has_no_name_and_keeps_what_is_not_its_main_colour():
    picture = disc((200, 40, 40)).copy()
    picture[40:, :, :3] = (255, 255, 255)
    changed = recoloured(picture, "blue")
    solid = picture[..., 3] > 128
    assert colour_masks(rgb2hsv(changed[..., :3]))["white"][40:][solid[40:]].all()
    assert named_colour(disc((200, 40, 40))) == "red" and named_colour(changed, 0.95) == ""


def test_a_warp_bends_but_loses_nothing():
    shape = disc((200, 40, 40))
    bent = warped(shape, random.Random(1))
    assert bent[..., 3].mean() * bent[..., 3].size == pytest.approx(shape[..., 3].sum(), rel=0.35)
    assert bent[[0, -1]][..., 3].max() == 0 and bent[:, [0, -1]][..., 3].max() == 0
    inside = bent[bent[..., 3] > 250][:, :3].astype(int)
    assert np.abs(inside - (200, 40, 40)).max() <= 2, "no dark rim from transparent pixels"


@pytest.mark.parametrize("style", AVATARS)
def test_a_person_is_what_is_said(style):
    found = AVATARS[style]
    for seed in range(200):
        sentence, options = person(found, random.Random(seed))
        beard = found.keys["beard"]
        if "beard" in sentence:
            assert options[f"{beard}Probability"] == 100 and options[beard] == list(found.beards)
        elif beard and "mustache" not in sentence:
            assert options[f"{beard}Probability"] == 0
        assert ("woman" in sentence) <= (options[found.keys["head"]][0] in (*found.women, found.old[1]))
        assert ("hat" in sentence or "turban" in sentence) == (options[found.keys["head"]][0] in found.hats)
        glasses = found.keys["glasses"]
        if glasses and "glasses" in sentence:
            wanted = found.sunglasses if "sunglasses" in sentence else found.glasses
            assert options[glasses] == list(wanted)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("style", ["", *STYLES])
def test_every_kind_of_picture_can_be_made_in_every_style(library, plan, kind, style):
    for seed in range(3):
        phrase, _, picture = KINDS[kind](library, plan, random.Random(seed), style)
        assert picture.size == (128, 128) and picture.mode == "RGB" and phrase == phrase.strip()


def test_a_picture_is_a_function_of_seed_and_position(library, plan):
    one, two, other = (captioned(library, plan, 1, position) for position in (7, 7, 8))
    assert one[0] == two[0] and (one[1] == two[1]).all()
    assert one[1].shape == (64, 64, 3) and not (one[1].shape == other[1].shape and (one[1] == other[1]).all())


def test_generic_pictures_come_as_often_as_said_and_show_different_things(library, plan):
    made = [captioned(library, plan, 3, position) for position in range(400)]
    generic = [picture for sentence, picture in made if sentence == GENERIC]
    assert 10 <= len(generic) <= 42
    assert np.std([picture.mean() for picture in generic]) > 15


def test_no_colour_is_said_in_a_grey_style(plan):
    nouns = plan.nouns.values()
    for noun in nouns:
        assert {colour_for(noun, random.Random(seed), 1, style) for style in GREY for seed in range(5)} == {
            ""
        }
    assert sum(bool(colour_for(noun, random.Random(0), 1)) for noun in nouns) > len(nouns) / 2


def test_as_many_things_as_are_said_stand_apart():
    from scipy.ndimage import label

    for count in (2, 3, 4):
        drawings = [Image.fromarray(disc((200, 30, 30))).crop((8, 8, 57, 57))] * count
        picture = np.asarray(several(drawings, random.Random(count))).astype(int)
        red = (picture[..., 0] - picture[..., 1]) > 120
        assert label(red)[1] == count


@pytest.mark.parametrize("relation", RELATIONS)
def test_a_relation_holds(relation):
    """The first thing is red, the second blue; the places of their centres show the relation."""
    from prior.making.layouts import related

    one, other = (Image.fromarray(disc(c)).crop((8, 8, 57, 57)) for c in ((210, 30, 30), (30, 30, 210)))
    for seed in range(5):
        picture = np.asarray(related(one, other, relation, random.Random(seed))).astype(int)
        red = np.argwhere(picture[..., 0] - picture[..., 2] > 100).mean(0)
        blue = np.argwhere(picture[..., 2] - picture[..., 0] > 100).mean(0)
        if relation in ("next to", "beside", "and"):
            assert blue[1] - red[1] > 40
        elif relation in ("on", "on top of", "above"):
            assert blue[0] - red[0] > 25
        elif relation == "under":
            assert red[0] - blue[0] > 25
        else:
            near, far = (red, blue) if relation == "in front of" else (blue, red)
            assert near[0] > far[0]


@pytest.mark.parametrize("name", SKETCHES)
def test_a_sketch_is_another_every_time(name):
    one, two = (np.asarray(sketched(name, random.Random(seed)).resize((64, 64))) for seed in (1, 2))
    assert (one[..., 3] > 128).mean() > 0.1 and (one != two).any()


@pytest.mark.parametrize("name", GROUNDS)
def test_a_ground_fills_its_canvas(library, name):
    canvas = GROUNDS[name].draw(library, random.Random(0))
    assert canvas.size == (128, 128) and canvas.getchannel("A").getextrema() == (255, 255)


def test_less_light_is_darker_and_bluer():
    before, after = (
        Image.fromarray(disc((200, 160, 120))),
        dimmed(Image.fromarray(disc((200, 160, 120))), 0.6),
    )
    one, two = (np.asarray(p)[32, 32].astype(int) for p in (before, after))
    assert two[:3].sum() < one[:3].sum() and two[2] / two[0] > one[2] / one[0]


@pytest.mark.parametrize("name", SUBJECTS)
def test_a_crop_of_a_photograph_holds_its_subject(name):
    marked = Image.new("RGB", (300, 240))
    left, top, right, bottom = SUBJECTS[name][1]
    centre = ((left + right) / 2 * 300, (top + bottom) / 2 * 240)
    ImageDraw.Draw(marked).ellipse(
        [centre[0] - 12, centre[1] - 12, centre[0] + 12, centre[1] + 12], fill="white"
    )
    for seed in range(20):
        picture = photograph({name: marked}, name, random.Random(seed))
        assert picture.size == (128, 128) and np.asarray(picture).max() > 120
