"""The pipeline as its users drive it: a clone, one command, one changed param, an experiment. Real DVC, tiny sizes."""

import json
import re
import time
from pathlib import Path

import pytest
import yaml
from dvc.dependency import Dependency, param
from dvc.fs import localfs
from dvc.repo import Repo
from dvc.stage import Stage

from fundiff.pipeline.side_by_side import stages_run
from fundiff.pipeline.stage import PIPELINES
from tests.commands import shell
from tests.pipelines import ENTRIES, made_by
from tests.stages.conftest import ALWAYS, SMOKE

PARAMS = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
pytestmark = pytest.mark.timeout(2700)  # whole pipelines, on cores of any speed


def changed(section: dict) -> dict:
    """The section with a small change to its first number, text or true/false value."""
    for key, value in section.items():
        if isinstance(value, bool):
            return section | {key: not value}
        if isinstance(value, int | float):
            return section | {key: value + 1}
    for key, value in section.items():
        if isinstance(value, str):
            return section | {key: value + "x"}
        if isinstance(value, dict):
            return section | {key: changed(value)}
    raise AssertionError("nothing to change")


@pytest.mark.slow
def test_a_fresh_clone_is_up_to_date(clone):
    assert stages_run(shell(clone, "dvc", "repro", "--dry", "--allow-missing")) <= ALWAYS
    assert (clone / "report/index.html").stat().st_size > 100_000


@pytest.mark.slow
def test_smoke_profile_runs_whole_then_nothing_then_one_stage(smoked):
    # What the profile does not touch and git already holds stays as it is.
    named = {key.split(".")[0] for key in SMOKE if "=" in key} - {"base"}
    kept = {name for name, stage in ENTRIES.items() if name not in named and "outs" not in stage}
    assert set(ENTRIES) - smoked.ran <= kept and smoked.ran >= named
    start = time.monotonic()
    again = shell(smoked.folder, "dvc", "repro")
    assert stages_run(again) == ALWAYS
    assert time.monotonic() - start < 30
    path = smoked.folder / "params.yaml"
    path.write_text(
        re.sub(r"(\nnoising:(?:\n  .*)*?\n  digits: )\d+", r"\g<1>3", path.read_text()), encoding="utf-8"
    )
    assert stages_run(shell(smoked.folder, "dvc", "repro")) == {"noising", "report"} | ALWAYS
    assert [
        out for entry in ENTRIES.values() for out in made_by(entry) if not (smoked.folder / out).exists()
    ] == []


def of_params(stage: Stage) -> list[Dependency]:
    """What a stage reads from params.yaml: some keys, or the whole file."""
    return [dep for dep in stage.deps if dep.fs_path.endswith("params.yaml")]


@pytest.fixture(scope="module")
def of_stages(smoked) -> dict[str, list[Dependency]]:
    """What every stage of the clone reads from params.yaml. DVC takes seconds to load this, so it is done once."""
    with Repo(str(smoked.folder)) as repo:
        pipelines = {str(smoked.folder / pipeline) for pipeline in PIPELINES}
        return {stage.name: of_params(stage) for stage in repo.index.stages if stage.path in pipelines}


@pytest.fixture(scope="module")
def smoked_params(smoked) -> dict:
    """The clone's params."""
    return yaml.safe_load((smoked.folder / "params.yaml").read_text(encoding="utf-8"))


@pytest.mark.slow
@pytest.mark.parametrize("name", PARAMS)
def test_a_changed_key_concerns_its_stage_alone(smoked, smoked_params, of_stages, name, monkeypatch):
    """Only the stages that read the key change; whether later stages rerun depends on the bytes that these write."""
    path = smoked.folder / "params.yaml"
    before, params = path.read_text(encoding="utf-8"), smoked_params
    try:
        # JSON is YAML too, and quicker to write.
        path.write_text(json.dumps(params | {name: changed(params[name])}), encoding="utf-8")
        # Ask DVC only about params: it would also hash all files. Parse the file once, not for each stage.
        parsed = param.load_path(str(path), localfs)
        monkeypatch.setattr(param, "load_path", lambda *_: parsed)
        rerun = {stage for stage, deps in of_stages.items() if any(dep.status() for dep in deps)}
    finally:
        path.write_text(before, encoding="utf-8")
    key = f"{name}.seed" if name == "base" else name
    reads = {
        stage
        for stage, entry in ENTRIES.items()
        if key in entry.get("params", []) or "params.yaml" in entry["deps"]
    }
    assert rerun == reads
    assert name in rerun or name == "base"


def concerned(clone: Path, file: str, monkeypatch) -> set[str]:
    """The stages that DVC finds changed, by its own hashes, if a byte is added to a file."""
    path, before = clone / file, (clone / file).read_bytes()
    try:
        path.write_bytes(before + b"\n")
        monkeypatch.chdir(clone)
        with Repo() as repo:
            stages = [stage for stage in repo.index.stages if stage.relpath in PIPELINES]
            return {
                s.name for s in stages if any(d.status() for d in s.deps if d.fs_path not in params_of(s))
            }
    finally:
        path.write_bytes(before)


def params_of(stage: Stage) -> set[str]:
    return {dep.fs_path for dep in of_params(stage)}


@pytest.mark.slow
@pytest.mark.parametrize("room", ["views/rigid", "pictures/grids", "critic/encoder", "report/page"])
def test_a_change_in_a_room_that_training_does_not_reach_retrains_nothing(smoked, room, monkeypatch):
    rerun = concerned(smoked.folder, f"src/fundiff/{room}.py", monkeypatch)
    assert rerun and not {name for name in rerun if name.startswith("train_") or name == "judge"}
    if room.startswith("report"):
        assert rerun == {"report"}


@pytest.mark.slow
def test_a_change_of_the_process_retrains(smoked, monkeypatch):
    rerun = concerned(smoked.folder, "src/fundiff/process/paths.py", monkeypatch)
    assert {"train_time_unet", "train_class_unet", "train_ddpm", "train_flow"} <= rerun


@pytest.mark.slow
def test_a_changed_byte_of_a_picture_reruns_what_reads_it(smoked):
    path = smoked.folder / "data/images/crab.svg"
    before = path.read_bytes()
    path.write_bytes(before.replace(b"</svg>", b"<!-- another --></svg>"))
    try:
        assert stages_run(shell(smoked.folder, "dvc", "repro", "fetch_images")) == {"inputs", "fetch_images"}
    finally:
        path.write_bytes(before)
        shell(smoked.folder, "dvc", "repro", "fetch_images")


@pytest.mark.slow
def test_wrong_params_end_in_one_line_and_leave_no_outs(smoked):
    shell(smoked.folder, "git", "add", "-A")
    shell(smoked.folder, "git", "commit", "-qm", "smoke sizes")
    output = shell(smoked.folder, "dvc", "exp", "run", "--temp", "-S", "noising.digits=many", fails=True)
    said = [line for line in output.splitlines() if line.startswith("noising: ")]
    assert said == [
        "noising: params.yaml: noising.digits is 'many'; expected a valid integer, unable to parse string as an integer"
    ]
    assert "Traceback" not in output
