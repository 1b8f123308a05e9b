"""The runtime: it follows the environment variables, and a wrong value gives one line."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from fundiff.digits.fit import state_folder
from fundiff.digits.training import TrainingRecipe
from fundiff.judge.classifier import Judge, verdicts
from fundiff.pipeline import machine, runtime, workers
from fundiff.pipeline.errors import UserError
from fundiff.pipeline.runtime import Runtime, accelerator, precision_of, prepare_runtime
from fundiff.pipeline.stage import stage_names
from tests.pipelines import write_entries

SLOW_TO_IMPORT = [
    "torch._dynamo", "torch._inductor", "accelerate", "diffusers", "transformers", "torchvision", "pandas", "scipy",
    "skimage", "matplotlib",
]  # fmt: skip


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    threads = torch.get_num_threads()
    prepare_runtime.cache_clear()
    for name in ("FUNDIFF_DEVICE", "FUNDIFF_PRECISION", "FUNDIFF_THREADS"):
        monkeypatch.delenv(name, raising=False)
    yield
    prepare_runtime.cache_clear()
    torch.set_num_threads(threads)
    torch.set_deterministic_debug_mode("default")


def test_the_environment_decides(monkeypatch):
    monkeypatch.setenv("FUNDIFF_DEVICE", "cpu")
    monkeypatch.setenv("FUNDIFF_PRECISION", "fp32")
    monkeypatch.setenv("FUNDIFF_THREADS", "1")
    assert prepare_runtime() == Runtime("cpu", "fp32", 1)
    assert str(prepare_runtime()) == "cpu fp32, 1 threads"


@pytest.mark.parametrize(
    ("flags", "precision"),
    [
        ("avx2 fma", "fp32"),
        ("avx2 avx512f avx512_vnni", "fp32"),
        ("avx2 avx512f avx512_bf16", "bf16"),
        ("avx2 avx512f amx_bf16", "bf16"),
        (None, "fp32"),
    ],
)
def test_left_alone_the_processor_decides_the_precision(flags, precision, monkeypatch):
    told = "" if flags is None else f"model name\t: a CPU\nflags\t\t: fpu {flags}\n"
    monkeypatch.setattr(machine, "cpu_info", lambda: told)
    assert precision_of("cpu") == precision
    assert precision_of("mps") == "fp32"


def test_a_precision_is_never_timed(monkeypatch):
    """A timing would depend on the load, so it could change during a repro, or between a kill and the next run."""
    monkeypatch.setattr(time, "perf_counter", lambda: pytest.fail("timed"))
    monkeypatch.setattr(time, "monotonic", lambda: pytest.fail("timed"))
    assert prepare_runtime().precision == precision_of("cpu")


def test_an_apple_gpu_is_chosen_where_there_is_one(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert accelerator() == "mps"
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert accelerator() == "cpu"


def test_features_leave_the_device_before_they_become_float64(monkeypatch):
    """An Apple GPU has no float64."""
    monkeypatch.setattr(torch.Tensor, "cpu", lambda self: self.clone().as_subclass(OnTheCpu))
    monkeypatch.setattr(torch.Tensor, "double", lambda self: pytest.fail("float64 on the device"))
    assert verdicts(Judge().eval(), torch.rand(2, 1, 28, 28))[0].dtype == torch.float64


class OnTheCpu(torch.Tensor):
    def double(self):
        return self.to(torch.float64)


def test_a_checkpoint_belongs_to_its_runtime_data_and_code(tmp_path, monkeypatch):
    params = TrainingRecipe(
        seed=0, epochs=1, repeats=1, batch_size=1, optimizer="adam", learning_rate=1, decay="constant", ema_decay=0,
        augmentation={"rotate": 0, "scale": 0, "shift": 0},
    )  # fmt: skip
    monkeypatch.chdir(tmp_path)
    deps = {"data": b"digits", "stages/train.py": b"loss = 1", "src/fundiff/digits/unet.py": b"depth = 2"}
    for path, content in deps.items():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(content)
    write_entries(tmp_path, {"train": {"deps": ["data", "src/fundiff/digits", "stages/train.py"]}})
    runtimes = [Runtime("cpu", "fp32", 1), Runtime("cuda", "fp32", 1), Runtime("cpu", "bf16", 1)]
    runtimes += [Runtime("cpu", "fp32", 2), Runtime("cpu", "fp32", 1, 2)]
    folders = [state_folder("train", params, runtime) for runtime in runtimes]
    assert len(set(folders)) == len(runtimes)
    assert state_folder("train", params, runtimes[0]) == folders[0]
    for path, content in deps.items():
        Path(path).write_bytes(content + b" ")
        assert state_folder("train", params, runtimes[0]) not in folders
        Path(path).write_bytes(content)


def on_a_gpu(monkeypatch) -> None:
    """Make the choice of settings believe that this machine has a CUDA GPU."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: True)
    monkeypatch.setattr(runtime, "checked", lambda device: device)


def test_on_a_gpu_all_is_deterministic_or_an_error(monkeypatch):
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    on_a_gpu(monkeypatch)
    seen = []
    # cuBLAS reads its setting when CUDA starts, so it has to be there before anything touches the device.
    monkeypatch.setattr(runtime, "checked", lambda device: seen.append(os.environ["CUBLAS_WORKSPACE_CONFIG"]))
    assert prepare_runtime().device == "cuda" and prepare_runtime().precision == "bf16"
    assert seen == [":4096:8"]
    assert torch.are_deterministic_algorithms_enabled()
    assert not torch.is_deterministic_algorithms_warn_only_enabled()
    assert not torch.backends.cudnn.benchmark


def test_a_workspace_that_lets_products_differ_is_one_line(monkeypatch):
    on_a_gpu(monkeypatch)
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":0:0")
    with pytest.raises(
        UserError, match=r"CUBLAS_WORKSPACE_CONFIG: ':0:0'; expected :4096:8 or :16:8, or unset it"
    ):
        prepare_runtime()
    monkeypatch.setenv("FUNDIFF_DEVICE", "cpu")
    assert prepare_runtime().device == "cpu"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FUNDIFF_DEVICE", "tpu9"),
        ("FUNDIFF_DEVICE", "cpu:7"),
        ("FUNDIFF_DEVICE", "meta device"),
        ("FUNDIFF_PRECISION", "fp8"),
        ("FUNDIFF_THREADS", "0"),
        ("FUNDIFF_THREADS", "two"),
        ("FUNDIFF_THREADS", "²"),
        ("RANK", "1"),
        ("RANK", "first"),
        ("WORLD_SIZE", "0"),
        ("WORLD_SIZE", "many"),
    ],
)
def test_a_wrong_value_is_one_line_that_names_it(name, value, monkeypatch):
    monkeypatch.setenv(name, value)
    with pytest.raises(UserError, match=name) as error:
        workers.leads()
        prepare_runtime()
    assert "\n" not in str(error.value)


def test_autocast_is_off_in_fp32_and_on_in_bf16():
    conv, x = torch.nn.Conv2d(1, 1, 3), torch.rand(1, 1, 5, 5)
    with Runtime("cpu", "fp32", 1).autocast():
        assert conv(x).dtype == torch.float32
    with Runtime("cpu", "bf16", 1).autocast():
        assert conv(x).dtype == torch.bfloat16


def test_algorithms_are_deterministic_and_those_that_cannot_be_warn():
    prepare_runtime()
    assert torch.are_deterministic_algorithms_enabled()
    assert torch.is_deterministic_algorithms_warn_only_enabled()


FAULTS = """
import resource
from fundiff.pipeline.runtime import prepare_runtime
prepare_runtime()
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


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="malloc is told so on Linux alone")
def test_new_tensors_have_the_pages_of_freed_ones():
    faults = int(subprocess.check_output([sys.executable, "-c", FAULTS], text=True))
    pages = 5 * 8 * 3_000_000 * 4 // 4096
    assert faults < pages / 100


def imported_with(stages: list[str], more: str = "") -> set[str]:
    """All modules of a new process that imports these stages."""
    imports = "\n".join(f"import stages.{name}" for name in stages)
    code = f"import sys\n{imports}\n{more}\nprint(*sys.modules)"
    return set(subprocess.check_output([sys.executable, "-c", code], text=True).split())


@pytest.mark.slow
def test_a_stage_starts_without_what_is_slow_to_import():
    prepared = "from fundiff.pipeline.runtime import prepare_runtime\nprepare_runtime()"
    assert imported_with(stage_names(), prepared).isdisjoint(SLOW_TO_IMPORT)


@pytest.mark.slow
def test_a_stage_that_needs_no_tensors_starts_without_torch():
    assert "torch" not in imported_with(["critic", "fetch_images", "inputs", "report"])
