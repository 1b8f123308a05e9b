"""Every command in the README and the docs runs without an error, in a clone with the sizes of the smoke profile."""

import re
import time
from pathlib import Path

import pytest

from fundiff.pipeline.side_by_side import stages_run
from fundiff.pipeline.stage import target_of
from tests.commands import shell
from tests.stages.conftest import ALWAYS, SMOKE_COMMAND

THIS_FILE = "tests/stages/test_documented_commands.py"
ELSEWHERE = "dvc exp run -S train_class_unet.epochs=2 --temp"
pytestmark = pytest.mark.timeout(2700)  # whole pipelines, on cores of any speed


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
    """The command, changed so that a test need not make the environment, run all tests, fetch MNIST or have a GPU."""
    if command == "make bench":  # the cheapest of its rows, once
        return "BENCH_ROWS='stage_start --turns 1' make bench --old-file environment --old-file peers"
    if command.startswith("make "):
        return f"PYTEST_ADDOPTS='--collect-only -q {THIS_FILE}' {command} --old-file environment"
    if "profiles/deepfloyd" in command:
        return f"{command} model"  # its first stage, the only one that runs without access to the model
    if "profiles/course" in command:
        small = "$(cat profiles/smoke) -S fetch_mnist.source=packaged"
        trainings = map(target_of, ("train_denoiser", "train_time_unet", "train_class_unet"))
        return f"{command} {small} {' '.join(trainings)}"
    if command == ELSEWHERE:
        # The smoke profile already has two epochs. One of the stages that follow is enough.
        return f"{command.replace('epochs=2', 'epochs=1')} {target_of('sample_class_unet')}"
    if command.startswith("accelerate launch"):
        # Restore the smoke sizes, which a profile may have changed. Other tests may use the usual port.
        command = command.replace("launch", "launch --main_process_port 0", 1)
        return f"git checkout -q HEAD params.yaml && {command}"
    return command.replace("/mnt/share/", "../")  # a folder beside the clone is a remote too


def wait_for_queue(clone: Path) -> None:
    """Wait until both experiments of the README's sweep have succeeded."""
    deadline = time.monotonic() + 600
    while re.search(r"Queued|Running", shell(clone, "dvc", "queue", "status")):
        assert time.monotonic() < deadline
        time.sleep(1)
    assert shell(clone, "dvc", "queue", "status").count("Success") == 2


def test_the_smoke_profile_is_documented():
    assert SMOKE_COMMAND in documented_commands()


@pytest.mark.slow
def test_every_documented_command_runs(smoked):
    clone = smoked.folder
    shell(clone, "git", "add", "-A")
    shell(clone, "git", "commit", "-qm", "as the README's reader has it", "--allow-empty")
    said = {}
    for command in documented_commands():
        if command == SMOKE_COMMAND:  # the fixture ran it
            continue
        said[command] = shell(clone, "bash", "-c", affordable(command), fails="deepfloyd" in command)
        assert "Traceback" not in said[command]
        if command.startswith("dvc queue start"):
            wait_for_queue(clone)
    assert stages_run(said["make repro"]) == ALWAYS
    assert "test_documented_commands.py::test_every_documented_command_runs" in said["make test"]
    sweep = next(text for command, text in said.items() if command.startswith("dvc exp show"))
    assert all(f"metrics/key/guidance_{name}.json:here" in sweep for name in ("alignment", "spread"))
    assert {"guidance.guidance_scale", "2", "5"} <= set(sweep.split()) and "ood_sigma" not in sweep
    table = next(text for command, text in said.items() if command == "dvc metrics show").splitlines()
    assert len(table) <= 40 and max(map(len, table)) <= 100
    denied = next(text for command, text in said.items() if "deepfloyd" in command)
    (line,) = [line for line in denied.splitlines() if line.startswith("model: ")]
    assert "accept its licence at huggingface.co/DeepFloyd/IF-I-XL-v1.0" in line
    (elsewhere,) = re.findall(r"^Ran experiment\(s\): (.+)", said[ELSEWHERE], re.MULTILINE)
    shown = shell(clone, "dvc", "exp", "show", "--csv")
    rows = {row.split(",")[1] or row.split(",")[0]: row for row in shown.splitlines() if row.strip()}
    assert elsewhere in shown and len(rows) >= 3
    assert "train_class_unet" in shell(clone, "dvc", "params", "diff", "HEAD", elsewhere)
    assert "train_class_unet_loss" in (clone / "dvc_plots/index.html").read_text(encoding="utf-8")
    assert any("sample_class_unet_accuracy" in line for line in table)
