"""What every stage does around its work: users' errors give one line, all other errors are passed on."""

import re

import pytest
import torch

from fundiff.pipeline.errors import UserError
from fundiff.pipeline.machine import peak_memory
from fundiff.pipeline.stage import from_outside, guarded


def raising(error: Exception):
    def work() -> None:
        raise error

    return work


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory."),
        RuntimeError("not enough memory: you tried"),
    ],
)
def test_too_little_memory_is_one_line(error):
    assert from_outside(error).startswith("not enough memory")
    with pytest.raises(SystemExit, match=r"^setup: not enough memory; ask for fewer samples"):
        guarded("setup", raising(error))


def test_a_users_error_is_one_line():
    with pytest.raises(SystemExit, match=r"^setup: what is wrong$"):
        guarded("setup", raising(UserError("what is wrong")))


def test_other_errors_are_not_hidden():
    with pytest.raises(RuntimeError, match="shape"):
        guarded("setup", raising(RuntimeError("shape mismatch")))


def test_an_error_for_users_is_one_line_whatever_it_quotes():
    assert str(UserError("params.yaml: 'a\n\tb' is\r\n no number")) == "params.yaml: 'a b' is no number"


def test_a_stage_says_how_long_it_took_and_how_much_memory(tmp_path, monkeypatch, capsys):
    (tmp_path / "dvc.yaml").write_text(
        "stages: {mine: {cmd: 'true', deps: [a], outs: [b]}}", encoding="utf-8"
    )
    monkeypatch.chdir(tmp_path)
    before = peak_memory()
    guarded("mine", lambda: torch.ones(2**26).sum(), pipelines=["dvc.yaml"])  # 256 MB
    (memory,) = re.findall(r"^mine: read a; wrote b; [\d.]+ s, (\d+) MB$", capsys.readouterr().out)
    assert int(memory) > 256 and (not before or int(memory) >= before)
