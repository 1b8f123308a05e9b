"""dvc.yaml, params.yaml and the stages say the same."""

import importlib
import re
from pathlib import Path

import pytest
import yaml

from fundiff.pipeline.params import BASE, inherited
from fundiff.pipeline.stage import stage_names
from tests.closure import code_deps

PARAMS = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
STAGES = yaml.safe_load(Path("dvc.yaml").read_text(encoding="utf-8"))["stages"]


def test_every_stage_has_its_file_its_entry_and_its_section():
    assert set(STAGES) == set(stage_names())
    # `inputs` reads all sections, and `base` is what they inherit.
    assert set(PARAMS) - {BASE} == set(stage_names()) - {"inputs"}


def quoted_rooms() -> set[str]:
    """The rooms whose source the report shows beside its equations."""
    templates = "".join(path.read_text(encoding="utf-8") for path in Path("report/template").glob("*.html"))
    return {f"src/fundiff/{room}" for room in re.findall(r'code\("fundiff\.(\w+)\.', templates)}


@pytest.mark.parametrize("name", STAGES)
def test_code_deps_are_the_rooms_that_the_stage_reaches(name):
    listed = {dep for dep in STAGES[name]["deps"] if dep.startswith(("src/", "stages/"))}
    needed = code_deps(Path(f"stages/{name}.py")) | (quoted_rooms() if name == "report" else set())
    assert listed == needed, f"{name} should list\n" + "\n".join(f"      - {dep}" for dep in sorted(needed))


@pytest.mark.parametrize("name", [name for name in STAGES if name != "inputs"])
def test_a_stage_reads_its_own_section_and_what_it_inherits(name):
    section = importlib.import_module(f"stages.{name}").Params
    taken = [key for key in inherited(section, PARAMS) if key not in (PARAMS[name] or {})]
    assert STAGES[name]["params"] == [*(f"{BASE}.{key}" for key in taken), name]


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_says_what_it_does(name):
    assert STAGES[name]["cmd"] == f"python -m stages.{name}"
    assert STAGES[name]["desc"]


def test_every_key_of_base_is_inherited_by_two_stages_or_more():
    read = [key for stage in STAGES.values() for key in stage.get("params", [])]
    assert {key for key in PARAMS[BASE] if read.count(f"{BASE}.{key}") < 2} == set()


@pytest.mark.parametrize("room", ["views", "pictures", "critic", "report", "sampling", "techniques", "prior"])
def test_a_change_in_a_room_that_training_does_not_reach_retrains_nothing(room):
    concerned = {name for name, stage in STAGES.items() if f"src/fundiff/{room}" in stage["deps"]}
    assert not {name for name in concerned if name.startswith("train_") or name == "judge"}
    if room == "report":
        assert concerned == {"report"}


def test_a_change_of_the_process_retrains():
    for name in ("train_time_unet", "train_class_unet", "train_flow", "train_ddpm"):
        assert "src/fundiff/process" in STAGES[name]["deps"]


def test_the_pipelines_file_is_short_enough_to_read():
    assert len(Path("dvc.yaml").read_text(encoding="utf-8").splitlines()) <= 700
    assert all(
        len(path.read_text(encoding="utf-8").splitlines()) <= 60 for path in Path("stages").glob("*.py")
    )


def test_data_deps_are_outs_of_a_stage_or_in_git():
    outs = {
        o if isinstance(o, str) else next(iter(o))
        for s in STAGES.values()
        for k in ("outs", "metrics", "plots")
        for o in s.get(k, [])
    }
    for name, stage in STAGES.items():
        for dep in stage["deps"]:
            assert dep in outs or Path(dep).exists(), f"{name}: {dep} is made by no stage"


def test_the_root_pipeline_never_runs_the_priors():
    """DVC reads every dvc.yaml below the root: a dep that is an out there would bring that whole pipeline along."""
    prior = yaml.safe_load(Path("prior/dvc.yaml").read_text(encoding="utf-8"))["stages"].values()
    made = {
        o if isinstance(o, str) else next(iter(o))
        for s in prior
        for k in ("outs", "metrics", "plots")
        for o in s.get(k, [])
    }
    deps = {dep for stage in STAGES.values() for dep in stage["deps"]}
    assert not {(dep, out) for dep in deps for out in made if f"{dep}/".startswith(f"{out}/")}
