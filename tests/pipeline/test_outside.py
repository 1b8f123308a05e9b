"""Faults from outside a stage: no memory, a full disk, no permission, Ctrl-C. Each gives one line, and the old outs stay."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from fundiff.pipeline.files import replacing, save_checkpoint, write_json
from fundiff.pipeline.stage import guarded
from tests.pipelines import write_entries


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_entries(tmp_path, {"mine": {"cmd": "x"}})
    return tmp_path


def ended(work) -> str:
    with pytest.raises(SystemExit) as end:
        guarded("mine", work)
    assert str(end.value.code).startswith("mine: ") and "\n" not in str(end.value.code)
    return str(end.value.code)


def fails(error: Exception):
    def work() -> None:
        raise error

    return work


@pytest.mark.parametrize(
    "error",
    [MemoryError(), torch.OutOfMemoryError("CUDA out of memory."), RuntimeError("not enough memory: you")],
)
def test_too_little_memory_is_one_line(error):
    assert "not enough memory; ask for fewer samples" in ended(fails(error))


def test_an_operation_without_a_deterministic_kernel_is_one_line():
    """The error is torch's own, from an operation without a deterministic kernel on this machine's device."""
    torch.set_deterministic_debug_mode("error")
    try:
        line = ended(lambda: torch.ones(4).put_(torch.tensor([0]), torch.ones(1)))
    finally:
        torch.set_deterministic_debug_mode("default")
    assert "no deterministic way to compute put_; set FUNDIFF_DEVICE=cpu" in line


def test_a_read_only_folder_is_one_line():
    error = PermissionError(13, "Permission denied", "metrics/a.json")
    assert "may not write or read metrics/a.json" in ended(fails(error))


def test_other_errors_are_not_hidden():
    with pytest.raises(RuntimeError, match="shape mismatch"):
        guarded("mine", fails(RuntimeError("shape mismatch")))


@pytest.fixture
def tiny_disk(tmp_path):
    """A disk of 256 kB, which only root can have."""
    disk = tmp_path / "disk"
    disk.mkdir()
    options = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)]
    if sys.platform != "linux" or os.geteuid() or subprocess.run(options, capture_output=True).returncode:
        pytest.skip("no small disk can be mounted")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)  # a traceback may hold a file open


@pytest.mark.parametrize("kind", ["json", "checkpoint", "weights", "folder"])
def test_a_full_disk_is_one_line_and_what_was_there_stays(kind, tiny_disk):
    from safetensors.torch import save_file

    path, large = tiny_disk / "out", {"a": torch.zeros(1 << 20)}

    def work() -> None:
        if kind == "json":
            write_json(path, ["words"] * 100_000)
        elif kind == "checkpoint":
            save_checkpoint(path, large)
        else:
            with replacing(path) as temporary:
                if kind == "folder":
                    temporary.mkdir()
                save_file(large, temporary / "a" if kind == "folder" else temporary)

    if kind == "folder":
        path.mkdir()
        (path / "old").write_text("old")
    else:
        path.write_text("old")
    assert "the disk is full; make room and run it again" in ended(work)
    assert (path / "old" if kind == "folder" else path).read_text() == "old"
    assert [p.name for p in tiny_disk.iterdir()] == ["out"], "nothing half-written is left"


def test_ctrl_c_is_one_line(project):
    # A shell makes its background processes ignore SIGINT, and their children inherit that.
    code = (
        "import signal, time\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from fundiff.pipeline.stage import guarded\nprint('on', flush=True)\nguarded('mine', lambda: time.sleep(60))"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=-1, stderr=-1, text=True)
    assert process.stdout is not None and process.stdout.readline() == "on\n"
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=30)[1] == "mine: stopped; `dvc repro` goes on\n"
    assert process.returncode == 130
