"""The pipeline as its users drive it: a clone, one command, one changed param, an experiment. Real DVC, tiny sizes."""

import re
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import yaml
from dvc.dependency import Dependency
from dvc.repo import Repo
from dvc.stage import Stage

from fundiff.pipeline.stage import PIPELINES, target_of
from tests.commands import copy_listed, shell
from tests.pipelines import ENTRIES, made_by

PARAMS = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
pytestmark = pytest.mark.timeout(2700)  # whole pipelines, on cores of any speed
ALWAYS = {"inputs"}  # looks at the files that params name, every time
SMOKE = Path("profiles/smoke").read_text(encoding="utf-8").split()


def stages_run(output: str) -> set[str]:
    """Names of the stages, without the dvc.yaml file that DVC names before those of another folder than the root."""
    return set(re.findall(r"Running stage '(?:[^':]+:)?([^']+)'", output))


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Iterator[Path]:
    """The project as git has it (and what is about to be committed), in an empty folder."""
    folder = tmp_path_factory.mktemp("fresh") / "fundiff"
    copy_listed(folder)
    shell(folder, "git", "init", "-q", "-b", "main")
    shell(folder, "git", "add", "-A")
    shell(folder, "git", "commit", "-qm", "a clone")
    yield folder
    for process in psutil.process_iter():  # a queue's worker that found no end
        with suppress(psutil.Error):
            if Path(process.cwd()).is_relative_to(folder):
                process.kill()


def changed(section: dict) -> dict:
    """The section with its first number changed by a little, or its first text or switch."""
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


@pytest.fixture(scope="module")
def smoked(clone) -> set[str]:
    """The stages that the smoke profile ran in the clone, which has all outs from then on.

    Each pays its imports and DVC's lock: a quarter of an hour on slow cores, whatever the sizes.
    """
    return stages_run(shell(clone, "dvc", "exp", "run", *SMOKE, minutes=40))


@pytest.mark.slow
def test_a_fresh_clone_is_up_to_date(clone):
    assert stages_run(shell(clone, "dvc", "repro", "--dry", "--allow-missing")) <= ALWAYS
    assert (clone / "report/index.html").stat().st_size > 100_000


@pytest.mark.slow
def test_smoke_profile_runs_whole_then_nothing_then_one_stage(clone, smoked):
    # What the profile does not touch and git already holds stays as it is.
    named = {key.split(".")[0] for key in SMOKE if "=" in key} - {"base"}
    kept = {name for name, stage in ENTRIES.items() if name not in named and "outs" not in stage}
    assert set(ENTRIES) - smoked <= kept and smoked >= named
    start = time.monotonic()
    again = shell(clone, "dvc", "repro")
    assert stages_run(again) == ALWAYS
    assert time.monotonic() - start < 30
    path = clone / "params.yaml"
    path.write_text(
        re.sub(r"(\nnoising:(?:\n  .*)*?\n  digits: )\d+", r"\g<1>3", path.read_text()), encoding="utf-8"
    )
    assert stages_run(shell(clone, "dvc", "repro")) == {"noising", "report"} | ALWAYS
    assert [out for entry in ENTRIES.values() for out in made_by(entry) if not (clone / out).exists()] == []


def of_params(stage: Stage) -> list[Dependency]:
    """What a stage reads of params.yaml: keys of it, or the file."""
    return [dep for dep in stage.deps if dep.fs_path.endswith("params.yaml")]


@pytest.mark.slow
@pytest.mark.parametrize("name", PARAMS)
def test_a_changed_key_concerns_its_stage_alone(clone, smoked, name, monkeypatch):
    """What reads the key itself; what follows a stage is decided by the bytes it leaves."""
    path = clone / "params.yaml"
    before = path.read_text(encoding="utf-8")
    params = yaml.safe_load(before)
    try:
        path.write_text(
            yaml.safe_dump(params | {name: changed(params[name])}, sort_keys=False), encoding="utf-8"
        )
        monkeypatch.chdir(clone)
        # DVC's own answer, without hashing everything else 46 times, as `dvc repro --dry` would.
        with Repo() as repo:
            stages = [stage for stage in repo.index.stages if stage.relpath in PIPELINES]
            rerun = {stage.name for stage in stages if any(dep.status() for dep in of_params(stage))}
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
    """The stages that DVC finds changed where a byte is added to a file, by its own hashes."""
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
def test_a_change_in_a_room_that_training_does_not_reach_retrains_nothing(clone, smoked, room, monkeypatch):
    rerun = concerned(clone, f"src/fundiff/{room}.py", monkeypatch)
    assert rerun and not {name for name in rerun if name.startswith("train_") or name == "judge"}
    if room.startswith("report"):
        assert rerun == {"report"}


@pytest.mark.slow
def test_a_change_of_the_process_retrains(clone, smoked, monkeypatch):
    rerun = concerned(clone, "src/fundiff/process/paths.py", monkeypatch)
    assert {"train_time_unet", "train_class_unet", "train_ddpm", "train_flow"} <= rerun


@pytest.mark.slow
def test_a_changed_byte_of_a_picture_reruns_what_reads_it(clone, smoked):
    path = clone / "data/images/crab.svg"
    before = path.read_bytes()
    path.write_bytes(before.replace(b"</svg>", b"<!-- another --></svg>"))
    try:
        assert stages_run(shell(clone, "dvc", "repro", "fetch_images")) == {"inputs", "fetch_images"}
    finally:
        path.write_bytes(before)
        shell(clone, "dvc", "repro", "fetch_images")


@pytest.mark.slow
def test_an_experiment_in_a_temporary_folder_shows_up(clone, smoked):
    shell(clone, "git", "add", "-A")
    shell(clone, "git", "commit", "-qm", "smoke sizes")
    shell(clone, "dvc", "exp", "run", "--temp", "-n", "shorter", "-S", "train_class_unet.epochs=1")
    table = shell(clone, "dvc", "exp", "show", "--csv")
    rows = {row.split(",")[1] or row.split(",")[0]: row for row in table.splitlines() if row.strip()}
    assert "shorter" in table and len(rows) >= 3
    assert "train_class_unet" in shell(clone, "dvc", "params", "diff", "HEAD", "shorter")
    curves = shell(clone, "dvc", "plots", "show", "--json")
    assert "train_class_unet_loss" in curves
    assert "sample_class_unet_accuracy" in shell(clone, "dvc", "metrics", "show")


@pytest.mark.slow
def test_wrong_params_end_in_one_line_and_leave_no_outs(clone):
    output = shell(clone, "dvc", "exp", "run", "--temp", "-S", "noising.digits=many", fails=True)
    said = [line for line in output.splitlines() if line.startswith("noising: ")]
    assert said == [
        "noising: params.yaml: noising.digits is 'many'; expected a valid integer, unable to parse string as an integer"
    ]
    assert "Traceback" not in output


def documented_commands() -> list[str]:
    """Every command of the console blocks in the README and the docs of the machine, without its comment."""
    pages = [
        Path(page) for page in ("docs/experiments.md", "README.md", "docs/devices.md", "docs/measured.md")
    ]
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    blocks = re.findall(r"```console\n(.*?)```", text, re.DOTALL)
    lines = [line.split("  #")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line]


def affordable(command: str) -> str:
    """The command itself, and added to it what spares a test the environment, its own tests, the full MNIST, a GPU."""
    if command == "make bench":  # the cheapest of its rows
        return "BENCH_ROWS=stage_start make bench --old-file environment --old-file peers"
    if command.startswith("make "):
        return f"PYTEST_ADDOPTS='--collect-only -q' {command} --old-file environment"
    if "profiles/deepfloyd" in command:
        return f"{command} model"  # the first of its stages, and the only one that can be had without access
    if "profiles/course" in command:
        small = "$(cat profiles/smoke) -S fetch_mnist.source=packaged"
        trainings = map(target_of, ("train_denoiser", "train_time_unet", "train_class_unet"))
        return f"{command} {small} {' '.join(trainings)}"
    if command.startswith("accelerate launch"):
        # With the smoke sizes, where a profile has left others; other tests may be using the launcher's usual port.
        command = command.replace("launch", "launch --main_process_port 0", 1)
        return f"git checkout -q HEAD params.yaml && {command}"
    return command.replace("/mnt/share/", "../")  # a folder beside the clone is a remote too


def wait_for_queue(clone: Path) -> None:
    """Wait until both experiments of the README's sweep have succeeded."""
    deadline = time.monotonic() + 600
    while re.search(r"Queued|Running", shell(clone, "dvc", "queue", "status")):
        assert time.monotonic() < deadline
        time.sleep(3)
    assert shell(clone, "dvc", "queue", "status").count("Success") == 2


@pytest.mark.slow
def test_every_documented_command_runs(clone, smoked):
    """In the clone with its smoke sizes."""
    shell(clone, "git", "add", "-A")
    shell(clone, "git", "commit", "-qm", "as the README's reader has it", "--allow-empty")
    said = {}
    for command in documented_commands():
        said[command] = shell(clone, "bash", "-c", affordable(command), fails="deepfloyd" in command)
        assert "Traceback" not in said[command]
        if command.startswith("dvc queue start"):
            wait_for_queue(clone)
    assert stages_run(said["make repro"]) == ALWAYS
    assert "test_repro.py::test_every_documented_command_runs" in said["make test"]
    sweep = next(text for command, text in said.items() if command.startswith("dvc exp show"))
    assert all(f"metrics/key/guidance_{name}.json:here" in sweep for name in ("alignment", "spread"))
    assert {"guidance.guidance_scale", "2", "5"} <= set(sweep.split()) and "sample_class_unet" not in sweep
    table = next(text for command, text in said.items() if command == "dvc metrics show").splitlines()
    assert len(table) <= 40 and max(map(len, table)) <= 100
    denied = next(text for command, text in said.items() if "deepfloyd" in command)
    (line,) = [line for line in denied.splitlines() if line.startswith("model: ")]
    assert "accept its licence at huggingface.co/DeepFloyd/IF-I-XL-v1.0" in line
