"""Device, precision, threads, processes. They are not params, so no stage reruns if they change; metrics files record them."""

from __future__ import annotations

import ctypes
import os
import sys
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

import torch
from torch import nn

from fundiff.pipeline import machine, workers
from fundiff.pipeline.errors import UserError

M = TypeVar("M", bound=nn.Module)
PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16}
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # glibc's malloc.h
WORKSPACES = (":4096:8", ":16:8")  # settings of cuBLAS that make its matrix products deterministic


@dataclass(frozen=True)
class Runtime:
    """Device name, autocast precision ("fp32" or "bf16"), CPU threads, and number of processes."""

    device: str
    precision: str
    threads: int
    processes: int = 1

    def __str__(self) -> str:
        together = f", {self.processes} processes" if self.processes > 1 else ""
        return f"{self.device} {self.precision}, {self.threads} threads{together}"

    def autocast(self) -> AbstractContextManager:
        """torch.autocast to the precision; it does nothing for fp32."""
        return torch.autocast(
            torch.device(self.device).type, PRECISIONS[self.precision], enabled=self.precision != "fp32"
        )

    @property
    def dtype(self) -> torch.dtype:
        """The type of the precision."""
        return PRECISIONS[self.precision]

    def place(self, module: M) -> M:
        """The module on the device, in channels-last format, in which convolutions are fastest."""
        return module.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]


def precision_of(device: str) -> str:
    """bf16 if the hardware has instructions for it, else fp32. Nothing is timed, so other load does not matter."""
    kind = torch.device(device).type
    if kind == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    return "bf16" if kind == "cpu" and machine.multiplies_bf16() else "fp32"


def accelerator() -> str:
    """A CUDA GPU if there is one, else an Apple GPU, else the CPU."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def checked(device: str) -> str:
    """The device name. Raises UserError if no tensor can be made on it."""
    try:
        torch.zeros(1, device=device)
        if device != "cpu" and torch.device(device).type == "cpu":
            raise RuntimeError("a CPU has no number")
    except (RuntimeError, AssertionError, NotImplementedError):
        raise UserError(f"FUNDIFF_DEVICE: {device!r} is not a device of this machine; try cpu") from None
    return device


def keep_freed_memory() -> None:
    """Keep freed memory in the process for new tensors (Linux with glibc only).

    By default glibc returns the memory of a large tensor to the system, and each new tensor causes page faults.
    """
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        libc.mallopt(M_MMAP_MAX, 0)
        libc.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)


def make_deterministic(device: str) -> None:
    """Deterministic algorithms: an operation that has none is an error on a CUDA GPU and a warning elsewhere.

    Raises UserError if CUBLAS_WORKSPACE_CONFIG has a value with which matrix products on a GPU differ from run to run.
    """
    on_cuda = torch.device(device).type == "cuda"
    if on_cuda and (workspace := os.environ.get("CUBLAS_WORKSPACE_CONFIG")) not in WORKSPACES:
        raise UserError(
            f"CUBLAS_WORKSPACE_CONFIG: {workspace!r}; expected {' or '.join(WORKSPACES)}, or unset it"
        )
    # torch.use_deterministic_algorithms sets the same flags but imports torch's compiler, which takes seconds.
    torch.set_deterministic_debug_mode("error" if on_cuda else "warn")
    # By default deterministic mode also fills new memory. That costs time and changes no result.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]


@cache
def prepare_runtime() -> Runtime:
    """Configure torch for this process and return what it runs on; called once, then cached.

    Device, precision and threads depend on the machine, or are set by FUNDIFF_DEVICE, FUNDIFF_PRECISION and
    FUNDIFF_THREADS. Joins the processes that `accelerate launch` started, keeps freed memory, and turns on deterministic
    algorithms. Raises UserError for a value that does not fit.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", WORKSPACES[0])  # before the first use of a GPU
    device = os.environ.get("FUNDIFF_DEVICE") or accelerator()
    workers.join(device)
    checked(device)
    threads = os.environ.get("FUNDIFF_THREADS")
    if threads:
        if not threads.isdecimal() or not 1 <= int(threads) <= 1024:
            raise UserError(f"FUNDIFF_THREADS: {threads!r}; expected a whole number from 1 to 1024")
        torch.set_num_threads(int(threads))
    precision = os.environ.get("FUNDIFF_PRECISION") or workers.agreed(precision_of(device))
    if precision not in PRECISIONS:
        raise UserError(f"FUNDIFF_PRECISION: {precision!r}; expected one of {', '.join(PRECISIONS)}")
    keep_freed_memory()
    make_deterministic(device)
    return Runtime(device, precision, torch.get_num_threads(), workers.count())
