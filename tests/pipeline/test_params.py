"""Params: every mistake is one line that names the section, the key, the value and what was expected."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from fundiff.pipeline.errors import UserError
from fundiff.pipeline.params import load_section, validate
from fundiff.pipeline.stage import stage_names
from stages.train_class_unet import Params

GOOD = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))["train_class_unet"]


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
        from stages.noising import Params as Noising

        validate(Noising, "noising", {"seed": 1, "digits": 2})


def test_an_unknown_section_names_the_nearest(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("train_clas_unet: {}\n")
    with pytest.raises(UserError, match="train_clas_unet is not a section; did you mean 'train_class_unet'"):
        load_section(Params, "train_class_unet", stage_names(), path)


def test_yaml_that_is_none_is_one_line(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("a: [1,\nb: 2\n")
    with pytest.raises(UserError, match="not valid YAML at line"):
        load_section(Params, "a", ["a"], path)


def test_a_stage_ends_in_one_line_and_an_exit_code(tmp_path):
    (tmp_path / "stages").symlink_to(Path("stages").resolve())
    (tmp_path / "src").symlink_to(Path("src").resolve())
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


@pytest.mark.parametrize("name", stage_names())
def test_every_section_as_shipped_is_valid(name):
    module = importlib.import_module(f"stages.{name}")
    load_section(module.Params, name, list(yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))))
