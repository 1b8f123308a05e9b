"""`make repro`'s two lanes: what each runs, and the output if one fails or is stopped. Real DVC, stages of one line each."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import yaml

from fundiff.pipeline.side_by_side import AFTER_PART_A, LAST, needed_by, plan, stop
from fundiff.pipeline.stage import PART_B, PIPELINES, stage_entries, targets
from tests.commands import ENVIRONMENT, shell

ENTRIES = stage_entries()
DIGITS = stage_entries(pipelines=[PART_B])
ROOT = Path(__file__).resolve().parents[2]


STEPS = plan(ENTRIES, DIGITS)
STAGES = {name: {*step.stages} for name, step in STEPS.items()}


def test_a_stage_is_in_one_step_or_needs_both_lanes():
    planned = set().union(*STAGES.values())
    assert len(planned) == sum(map(len, STAGES.values()))
    for name in {*ENTRIES} - planned:
        needed = {*needed_by([name], ENTRIES)}
        assert name == LAST or (needed & AFTER_PART_A and needed & STAGES["rest"])


def test_a_stage_runs_after_those_that_it_needs_and_lanes_share_the_digits_and_the_judge_alone():
    """Two DVC commands that want to run the same stage at once would stop each other."""
    assert STEPS["shared"].stages == ["fetch_mnist", "judge"]
    for step in STEPS.values():
        before = set().union(*(STAGES[name] for name in step.after))
        for i, name in enumerate(step.stages):
            assert {*needed_by([name], ENTRIES)} <= before | {*step.stages[: i + 1]}


def test_no_lane_runs_two_steps_at_once():
    for name, step in STEPS.items():
        same = [other for other, one in STEPS.items() if one.lane == step.lane and other != name]
        assert all(name in STEPS[other].after or other in step.after for other in same)


def test_what_a_stage_needs():
    assert needed_by(["pure_noise"], ENTRIES) == ["fetch_mnist", "train_pure_noise", "pure_noise"]
    assert {*needed_by([LAST], ENTRIES)} == {*ENTRIES} and needed_by([LAST], ENTRIES)[-1] == LAST


def test_a_target_is_what_dvc_calls_the_stage():
    assert targets()["report"] == "report" and targets()["sdedit"] == "part_a/dvc.yaml:sdedit"
    assert targets()["judge"] == "digits/dvc.yaml:judge"
    assert set(targets()) == set(ENTRIES)


NEEDS = {"train_time_unet": ["fetch_mnist"], "judge": ["fetch_mnist"], "report": ["sdedit", "judge"]}


@pytest.fixture
def project(tmp_path):
    """Pipelines with the project's names and trivial stages; the test sets the commands of `sdedit` and `judge`."""
    shell(tmp_path, "git", "init", "-q")
    shell(tmp_path, "dvc", "init", "-q")
    sleeper = (
        "import sys, time, pathlib; time.sleep(float(sys.argv[2])); pathlib.Path(sys.argv[1]).write_text('x')"
    )
    (tmp_path / "sleeper.py").write_text(sleeper)

    def at_once(*names: str) -> dict[str, str]:
        return {name: f"python sleeper.py {name} 0" for name in names}

    def write(part_a: str, part_b: str) -> Path:
        digits = at_once("fetch_mnist", "train_time_unet") | {"judge": part_b}
        stages = {"dvc.yaml": at_once("report"), "part_a/dvc.yaml": {"sdedit": part_a}, PART_B: digits}
        for pipeline in PIPELINES:
            wdir = "." if pipeline == "dvc.yaml" else ".."
            entries = {
                name: {"wdir": wdir, "cmd": cmd, "outs": [name], "deps": NEEDS.get(name, [])}
                for name, cmd in stages.get(pipeline, {}).items()
            }
            (tmp_path / pipeline).parent.mkdir(exist_ok=True)
            (tmp_path / pipeline).write_text(yaml.safe_dump({"stages": entries}))
        return tmp_path

    return write


COMMAND = [
    sys.executable,
    "-c",
    "import sys; from fundiff.pipeline import side_by_side as s; s.cores = lambda: 2; sys.exit(s.main())",
]


def lines(folder: Path) -> tuple[int, str]:
    done = subprocess.run(
        COMMAND, cwd=folder, env=ENVIRONMENT | {"PYTHONPATH": f"{ROOT}/src"}, capture_output=True, text=True
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.slow
def test_two_stages_run_at_a_time_and_the_last_after_both(project):
    folder = project("python sleeper.py sdedit 6", "python sleeper.py judge 8")
    code, said = lines(folder)
    assert code == 0, said
    made = {name: (folder / name).stat().st_mtime for name in ("sdedit", "judge", "report")}
    assert made["judge"] - made["sdedit"] < 8 and made["report"] > max(made["sdedit"], made["judge"])
    assert (folder / "train_time_unet").stat().st_mtime < made["judge"], (
        "while the other lane read the digits"
    )
    assert (
        "A | Running stage 'part_a/dvc.yaml:sdedit':" in said
        and "B | Running stage 'digits/dvc.yaml:judge':" in said
    )
    assert "\nRunning stage 'report':" in said
    code, said = lines(folder)
    assert code == 0 and "|" not in said and "Running stage" not in said, "nothing to do, and no lanes"
    project("python sleeper.py sdedit 6", "python sleeper.py judge 0")
    assert "B | Running stage 'digits/dvc.yaml:judge':" in lines(folder)[1]


@pytest.mark.slow
def test_where_one_fails_the_other_is_stopped_and_its_line_is_shown(project):
    folder = project(
        "python sleeper.py sdedit 120", "python -c \"import sys; sys.exit('judge; it is broken')\""
    )
    start = time.monotonic()
    code, said = lines(folder)
    assert code and "B | judge; it is broken" in said and "Traceback" not in said.split("broken")[0]
    assert time.monotonic() - start < 60
    assert not (folder / "report").exists() and not (folder / "sdedit").exists()


@pytest.mark.slow
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ctrl_c_or_a_closed_terminal_ends_both(project, sent):
    folder = project("python sleeper.py sdedit 120", "python sleeper.py judge 120")
    run = subprocess.Popen(
        [sys.executable, "-m", "fundiff.pipeline.side_by_side"],
        cwd=folder,
        env=ENVIRONMENT | {"PYTHONPATH": f"{ROOT}/src"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # as in a terminal
    )
    waited_for = {"A | > python sleeper.py sdedit", "B | > python sleeper.py judge"}
    for line in run.stdout:
        waited_for -= {one for one in waited_for if one in line}
        if not waited_for:
            break
    time.sleep(0.5)  # until both shells have started theirs
    run.send_signal(sent)
    assert run.wait(60) == 130
    at_work = [p for p in psutil.process_iter(["cwd"]) if p.info["cwd"] == str(folder)]
    assert not at_work and not (folder / "report").exists()


@pytest.mark.slow
def test_a_process_that_does_not_hear_ctrl_c_is_terminated():
    deaf = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); print('on', flush=True); time.sleep(120)"
    run = subprocess.Popen([sys.executable, "-c", deaf], stdout=-1, start_new_session=True)
    assert run.stdout.readline() == b"on\n"
    stop([run], patience=0.5)
    assert run.returncode == -signal.SIGTERM
