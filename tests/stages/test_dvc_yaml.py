"""The dvc.yaml files, params.yaml and the stages agree."""

import importlib
import re
from pathlib import Path

import pytest
import yaml

from fundiff.pipeline.lock import read_locks
from fundiff.pipeline.params import BASE, inherited
from fundiff.pipeline.stage import PIPELINES, stage_entries, stage_names
from tests.closure import code_deps
from tests.pipelines import ENTRIES, made_by

PARAMS = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
LINES_OF_YAML, LINES_OF_A_LOCK = 700, 3000


def test_every_stage_has_its_file_its_entry_and_its_section():
    assert set(ENTRIES) == set(stage_names())
    # `inputs` reads all sections, and `base` is what they inherit.
    assert set(PARAMS) - {BASE} == set(stage_names()) - {"inputs"}


def quoted_rooms() -> set[str]:
    """The rooms (packages of src/fundiff) whose source the report shows next to its equations."""
    templates = "".join(path.read_text(encoding="utf-8") for path in Path("report/template").glob("*.html"))
    return {f"src/fundiff/{room}" for room in re.findall(r'code\("fundiff\.(\w+)\.', templates)}


@pytest.mark.parametrize("name", ENTRIES)
def test_code_deps_are_the_rooms_that_the_stage_reaches(name):
    listed = {dep for dep in ENTRIES[name]["deps"] if dep.startswith(("src/", "stages/"))}
    needed = code_deps(Path(f"stages/{name}.py")) | (quoted_rooms() if name == "report" else set())
    assert listed == needed, f"{name} should list\n" + "\n".join(f"      - {dep}" for dep in sorted(needed))


@pytest.mark.parametrize("name", [name for name in ENTRIES if name != "inputs"])
def test_a_stage_reads_its_own_section_and_what_it_inherits(name):
    section = importlib.import_module(f"stages.{name}").Params
    taken = [key for key in inherited(section, PARAMS) if key not in (PARAMS[name] or {})]
    assert ENTRIES[name]["params"] == [*(f"{BASE}.{key}" for key in taken), name]


@pytest.mark.parametrize("name", ENTRIES)
def test_a_stage_says_what_it_does(name):
    assert ENTRIES[name]["cmd"] == f"python -m stages.{name}"
    assert ENTRIES[name]["desc"]


def test_every_key_of_base_is_inherited_by_two_stages_or_more():
    read = [key for stage in ENTRIES.values() for key in stage.get("params", [])]
    assert {key for key in PARAMS[BASE] if read.count(f"{BASE}.{key}") < 2} == set()


@pytest.mark.parametrize("room", ["views", "pictures", "critic", "report", "sampling", "techniques", "prior"])
def test_a_change_in_a_room_that_training_does_not_reach_retrains_nothing(room):
    concerned = {name for name, stage in ENTRIES.items() if f"src/fundiff/{room}" in stage["deps"]}
    assert not {name for name in concerned if name.startswith("train_") or name == "judge"}
    if room == "report":
        assert concerned == {"report"}


def test_a_change_of_the_process_retrains():
    for name in ("train_time_unet", "train_class_unet", "train_flow", "train_ddpm"):
        assert "src/fundiff/process" in ENTRIES[name]["deps"]


def lines(path: str | Path) -> int:
    return len(Path(path).read_text(encoding="utf-8").splitlines())


def test_the_pipelines_files_are_short_enough_to_read():
    assert sum(map(lines, PIPELINES)) <= LINES_OF_YAML
    assert all(lines(path) <= 60 for path in Path("stages").glob("*.py"))


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_a_lock_is_short_enough_for_dvc_to_rewrite_it_after_every_stage(pipeline):
    assert lines(Path(pipeline).with_suffix(".lock")) <= LINES_OF_A_LOCK


def test_the_locks_hold_the_stages_and_no_other():
    assert set(read_locks(Path())) == set(ENTRIES)


def test_no_stage_stands_in_two_pipelines():
    assert sum(len(stage_entries(pipelines=[pipeline])) for pipeline in PIPELINES) == len(ENTRIES)


def test_the_report_follows_from_every_stage():
    """So `dvc repro`, which runs the root's dvc.yaml and what it depends on, runs all stages of all files."""
    maker = {out: name for name, entry in ENTRIES.items() for out in made_by(entry)}
    found, queue = set(), ["report"]
    while queue:
        name = queue.pop()
        found.add(name)
        deps = ENTRIES[name]["deps"]
        queue += {maker[out] for dep in deps for out in maker if Path(out).is_relative_to(dep)} - found
    assert found == set(ENTRIES)


def test_paths_of_every_pipeline_start_at_the_root():
    for pipeline in PIPELINES:
        below = Path(pipeline).parent != Path()
        assert {entry.get("wdir") for entry in stage_entries(pipelines=[pipeline]).values()} == {
            ".." if below else None
        }


def test_data_deps_are_outs_of_a_stage_or_in_git():
    outs = {out for entry in ENTRIES.values() for out in made_by(entry)}
    for name, entry in ENTRIES.items():
        for dep in entry["deps"]:
            assert dep in outs or Path(dep).exists(), f"{name}: {dep} is made by no stage"


def test_the_root_pipeline_never_runs_the_priors():
    """DVC reads every dvc.yaml below the root: a dep that is an out of prior/dvc.yaml would run that pipeline too."""
    made = {out for entry in stage_entries(pipelines=["prior/dvc.yaml"]).values() for out in made_by(entry)}
    deps = {dep for entry in ENTRIES.values() for dep in entry["deps"]}
    within = [
        (dep, out)
        for dep in map(Path, deps)
        for out in made
        if dep.is_relative_to(out) or Path(out).is_relative_to(dep)
    ]
    assert not within
