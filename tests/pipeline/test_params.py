"""Params: every mistake is one line that names the section, the key, the value and what was expected."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest
from dvc.utils.serialize import load_yaml

from fundiff.pipeline.errors import UserError
from fundiff.pipeline.params import (
    Named,
    Section,
    inherited,
    inherited_by_some,
    load_section,
    read_params,
    validate,
)
from fundiff.pipeline.stage import guarded, inheritable_keys, stage_names
from stages.noising import Params as Noising
from stages.train_class_unet import Params
from tests.pipelines import copy_pipelines, write_entries

SECTIONS = read_params("params.yaml")
GOOD = inherited(Params, SECTIONS) | SECTIONS["train_class_unet"]


def message(**changes) -> str:
    with pytest.raises(UserError) as error:
        validate(Params, "train_class_unet", GOOD | changes)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_an_unknown_key_names_the_nearest():
    assert (
        message(epoch=3)
        == "params.yaml: train_class_unet.epoch is not a key of train_class_unet; did you mean 'epochs'?"
    )


def test_wrong_type_range_choice_and_relation_say_what_was_expected():
    assert "train_class_unet.epochs is 'many'; expected a valid integer" in message(epochs="many")
    assert "train_class_unet.epochs is 0; expected greater than or equal to 1" in message(epochs=0)
    assert "train_class_unet.decay is 'linear'; expected 'constant', 'exponential' or 'cosine'" in message(
        decay="linear"
    )
    assert "train_class_unet.snapshots.0 is 0; expected greater than 0" in message(snapshots=[0])
    assert "train_class_unet.augmentation.rotate" in message(
        augmentation={"rotate": 90, "scale": 0, "shift": 0}
    )


def test_a_missing_key_is_said():
    with pytest.raises(UserError, match=r"noising\.sigmas is missing"):
        validate(Noising, "noising", {"seed": 1, "digits": 2})


def test_an_unknown_section_names_the_nearest(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("train_clas_unet: {}\n")
    with pytest.raises(UserError, match="train_clas_unet is not a section; did you mean 'train_class_unet'"):
        load_section(Params, "train_class_unet", stage_names(), path)


def test_a_key_of_base_that_no_stage_inherits_names_the_nearest():
    for key in ("sed", "Seed", "", "a.b", "strides"):
        with pytest.raises(
            UserError, match=r"base\..* is not a key that a stage inherits; (did|known)"
        ) as error:
            inherited_by_some(SECTIONS["base"] | {key: 3}, inheritable_keys())
        assert "\n" not in str(error.value)
    with pytest.raises(UserError, match=r"did you mean 'stride'\?"):
        inherited_by_some({"strides": 3}, inheritable_keys())
    assert set(SECTIONS["base"]) == set(inheritable_keys())
    inherited_by_some(SECTIONS["base"], inheritable_keys())
    inherited_by_some(None, inheritable_keys())


def test_yaml_that_is_none_is_one_line(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("a: [1,\nb: 2\n")
    with pytest.raises(UserError, match="not valid YAML at line"):
        load_section(Params, "a", ["a"], path)


@pytest.mark.slow
def test_a_stage_ends_in_one_line_and_an_exit_code(tmp_path):
    (tmp_path / "stages").symlink_to(Path("stages").resolve())
    (tmp_path / "src").symlink_to(Path("src").resolve())
    copy_pipelines(tmp_path)
    text = Path("params.yaml").read_text(encoding="utf-8")
    (tmp_path / "params.yaml").write_text(
        text.replace("  digits: 5\n", "  digits: five\n", 1), encoding="utf-8"
    )
    done = subprocess.run(
        [sys.executable, "-m", "stages.noising"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("noising: params.yaml: noising.digits is 'five'; expected a valid integer")
    assert not (tmp_path / "report").exists()


def test_a_base_that_is_no_mapping_is_one_line(tmp_path):
    (tmp_path / "params.yaml").write_text("base: [1]\nnoising: {}\n")
    with pytest.raises(UserError, match=r"base is \[1\]; expected the keys that the stages inherit"):
        load_section(Params, "noising", ["noising"], tmp_path / "params.yaml")
    (tmp_path / "params.yaml").write_text("noising: {sigmas: [1], digits: 2}\n")
    with pytest.raises(UserError, match=r"noising\.seed is missing"):
        load_section(Noising, "noising", ["noising"], tmp_path / "params.yaml")


@pytest.mark.parametrize("name", [name for name in stage_names() if name in SECTIONS])
def test_every_section_as_shipped_is_valid(name):
    module = importlib.import_module(f"stages.{name}")
    load_section(module.Params, name, list(SECTIONS))


def read(tmp_path: Path, text: str | bytes) -> dict:
    path = tmp_path / "params.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_params(path)


@pytest.mark.parametrize(
    "text",
    [
        "a:\n  seed: 017\n  rate: 1e-4\n  at: 12:30:45\n  big: 1_000\n  octal: 0o17\nno: {on: yes}\n",
        "a:\r\n  seed: 3\r\nb: {x: .inf}\r\n",
        "\ufeffa: {b: ü}\n",
        "a: &x {k: 1}\nb: {<<: *x, l: 2}\n",
        "",
        "# nothing but a comment\n",
    ],
)
def test_params_are_read_as_dvc_reads_them(tmp_path, text):
    assert read(tmp_path, text) == load_yaml(tmp_path / "params.yaml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: {}\na: {}\n", 'not valid YAML at line 2: found duplicate key "a"'),
        ("a: {seed: 1, seed: 2}\n", 'line 1: found duplicate key "seed"'),
        ("a: {seed: 1}\n".encode("utf-16"), "not UTF-8; save it in that encoding"),
        ("- a\n- b\n", "is a list; expected sections"),
        ("just words\n", "is a str; expected sections"),
        ("a: !!python/object/apply:os.system [true]\n", "could not determine a constructor"),
        ("a: " + "9" * 5000, "not valid YAML"),
        ("a: 1\n---\nb: 2\n", "but found another document"),
        ("a:\n\tb: 1\n", "not valid YAML at line 2"),
        ("a: \0\n", "not valid YAML"),
    ],
)
def test_what_dvc_refuses_is_one_line(tmp_path, text, said):
    with pytest.raises(UserError) as error:
        read(tmp_path, text)
    assert said in str(error.value) and "\n" not in str(error.value)


def test_a_file_that_cannot_be_read_is_one_line(tmp_path):
    with pytest.raises(UserError, match="not found; run from the project's root folder"):
        read_params(tmp_path / "params.yaml")
    with pytest.raises(UserError, match="cannot be read"):
        read_params(tmp_path)


@pytest.mark.parametrize("section", ["no", "1", "null", "2020-01-01", "[a, b]"])
def test_a_section_of_any_name_that_is_none_is_one_line(tmp_path, section):
    (tmp_path / "params.yaml").write_text(f"? {section}\n: {{}}\n")
    with pytest.raises(UserError, match="is not a section; known are noising"):
        load_section(Params, "noising", ["noising"], tmp_path / "params.yaml")


class Pictures(Section):
    images: Named[int]


@pytest.mark.parametrize(
    "name", ["car", "CAR-2", "my_car_7", "original", "level_01", "a" * 64, "car_original"]
)
def test_a_name_is_letters_digits_and_two_signs(name):
    assert validate(Pictures, "x", {"images": {name: 1}}).images == {name: 1}


@pytest.mark.parametrize(
    "name", ["", "../car", "a/b", "a b", "über", "car.png", "c:ar", "a" * 65, "a\n", "~"]
)
def test_another_name_is_one_line(name):
    with pytest.raises(UserError, match="expected a name of 1 to 64 letters, digits, _ or -") as error:
        validate(Pictures, "x", {"images": {name: 1}})
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("Mine", "mine"), "'Mine' and 'mine' are one file on a Mac"),
        (("car", "car_original"), "'car_original' is also what a stage calls a file of 'car'"),
        (("car_level_01", "car"), "'car_level_01' is also what a stage calls a file of 'car'"),
        (("car", "CAR_large"), "'CAR_large' is also what a stage calls a file of 'car'"),
        (("car", "car_010_steps"), "'car_010_steps' is also what a stage calls a file of 'car'"),
    ],
)
def test_names_of_one_file_are_one_line(names, said):
    with pytest.raises(UserError, match=said):
        validate(Pictures, "x", {"images": dict.fromkeys(names, 1)})


def test_a_value_of_many_lines_is_quoted_in_one():
    with pytest.raises(UserError) as error:
        validate(Pictures, "x", {"images": {"a": "first\nsecond" * 100}, "an\nother": 1})
    assert "\n" not in str(error.value) and len(str(error.value)) < 400
    with pytest.raises(UserError) as error:
        validate(Pictures, "x", {"images": {"a": 1}, "an\nother": 1})
    assert "\n" not in str(error.value)


def test_infinity_and_nan_are_no_numbers_of_a_section():
    for value in (float("inf"), float("nan")):
        assert "expected a finite number" in message(learning_rate=value)


def test_noise_grows_and_the_class_is_seen_sometimes():
    assert "beta_end is 0.01; expected at least beta_start, 0.02" in message(beta_start=0.02, beta_end=0.01)
    assert "class_drop is 1; expected less than 1" in message(class_drop=1)


def test_a_stage_without_an_entry_in_dvc_yaml_says_so_before_its_work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_entries(tmp_path, {"other": {"cmd": "x"}})
    with pytest.raises(
        SystemExit,
        match=r"mine: dvc\.yaml or part_a/dvc\.yaml or beyond/dvc\.yaml or flow/dvc\.yaml or digits/dvc\.yaml: "
        r"no stage 'mine'; say there what stages/mine.py reads",
    ):
        guarded("mine", lambda: pytest.fail("it worked before it looked"))


def test_a_file_read_again_is_as_it_is_on_disk(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("guidance: {scales: [1, 2]}", encoding="utf-8")
    read_params(path)["guidance"]["scales"].append(3)
    assert read_params(path) == {"guidance": {"scales": [1, 2]}}
    path.write_text("guidance: {scales: [5]}", encoding="utf-8")
    assert read_params(path) == {"guidance": {"scales": [5]}}
