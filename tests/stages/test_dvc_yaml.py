"""dvc.yaml, params.yaml and the stages say the same."""

from pathlib import Path

import pytest
import yaml

from fundiff.pipeline.stage import stage_names
from tests.closure import code_deps

PARAMS = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
STAGES = yaml.safe_load(Path("dvc.yaml").read_text(encoding="utf-8"))["stages"]


def test_every_stage_has_its_file_its_entry_and_its_section():
    assert set(STAGES) == set(stage_names())
    assert set(PARAMS) == set(stage_names())


@pytest.mark.parametrize("name", STAGES)
def test_code_deps_are_the_rooms_that_the_stage_reaches(name):
    listed = {dep for dep in STAGES[name]["deps"] if dep.startswith(("src/", "stages/"))}
    needed = code_deps(Path(f"stages/{name}.py"))
    assert listed == needed, f"{name} should list\n" + "\n".join(f"      - {dep}" for dep in sorted(needed))


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_reads_its_own_section_and_tells_what_it_does(name):
    assert STAGES[name]["params"] == [name]
    assert STAGES[name]["cmd"] == f"python -m stages.{name}"
    assert STAGES[name]["desc"]


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
