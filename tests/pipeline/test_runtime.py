"""The runtime: what the environment says is taken, and what is wrong with it is said in one line."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from fundiff.pipeline.errors import UserError
from fundiff.pipeline.runtime import Runtime, detect
from tests.closure import closure

SLOW_TO_IMPORT = [
    "torch._dynamo", "torch._inductor", "accelerate", "diffusers", "transformers", "torchvision", "pandas", "scipy",
    "skimage", "matplotlib",
]  # fmt: skip


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    threads = torch.get_num_threads()
    detect.cache_clear()
    for name in ("FUNDIFF_DEVICE", "FUNDIFF_PRECISION", "FUNDIFF_THREADS"):
        monkeypatch.delenv(name, raising=False)
    yield
    detect.cache_clear()
    torch.set_num_threads(threads)
    torch.set_deterministic_debug_mode("default")


def test_the_environment_decides(monkeypatch):
    monkeypatch.setenv("FUNDIFF_DEVICE", "cpu")
    monkeypatch.setenv("FUNDIFF_PRECISION", "fp32")
    monkeypatch.setenv("FUNDIFF_THREADS", "1")
    assert detect() == Runtime("cpu", "fp32", 1)
    assert str(detect()) == "cpu fp32, 1 threads"


def test_left_alone_it_picks_one_of_the_precisions():
    assert detect().precision in ("fp32", "bf16")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FUNDIFF_DEVICE", "tpu9"),
        ("FUNDIFF_PRECISION", "fp8"),
        ("FUNDIFF_THREADS", "0"),
        ("FUNDIFF_THREADS", "two"),
    ],
)
def test_a_wrong_value_is_one_line_that_names_it(name, value, monkeypatch):
    monkeypatch.setenv(name, value)
    with pytest.raises(UserError, match=name) as error:
        detect()
    assert "\n" not in str(error.value)


def test_autocast_is_off_in_fp32_and_on_in_bf16():
    conv, x = torch.nn.Conv2d(1, 1, 3), torch.rand(1, 1, 5, 5)
    with Runtime("cpu", "fp32", 1).autocast():
        assert conv(x).dtype == torch.float32
    with Runtime("cpu", "bf16", 1).autocast():
        assert conv(x).dtype == torch.bfloat16


def test_algorithms_are_deterministic_and_those_that_cannot_be_warn():
    detect()
    assert torch.are_deterministic_algorithms_enabled()
    assert torch.is_deterministic_algorithms_warn_only_enabled()


FAULTS = """
import resource
from fundiff.pipeline.runtime import detect
detect()
import torch
x = torch.ones(3_000_000)
sets = [[x + i for i in range(8)] for _ in range(2)]
del sets
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    layers = [x + i for i in range(8)]
    del layers
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="malloc is told so on Linux alone")
def test_new_tensors_have_the_pages_of_freed_ones():
    faults = int(subprocess.check_output([sys.executable, "-c", FAULTS], text=True))
    pages = 5 * 8 * 3_000_000 * 4 // 4096
    assert faults < pages / 100


def test_a_stage_of_part_b_starts_without_what_is_slow_to_import():
    stages = [path for path in sorted(Path("stages").glob("[a-z]*.py")) if starts_part_b(path)]
    assert len(stages) >= 14
    imports = "\n".join(f"import stages.{path.stem}" for path in stages)
    code = (
        f"import sys\n{imports}\nfrom fundiff.pipeline.runtime import detect\ndetect()\nprint(*sys.modules)"
    )
    loaded = subprocess.check_output([sys.executable, "-c", code], text=True).split()
    assert [name for name in SLOW_TO_IMPORT if name in loaded] == []


def starts_part_b(path: Path) -> bool:
    """Whether a stage works on digits with torch."""
    needed = closure(path)
    return "src/fundiff/digits/data.py" in needed and "src/fundiff/pipeline/runtime.py" in needed
