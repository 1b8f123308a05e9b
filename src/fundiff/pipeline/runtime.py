"""Where and how the work runs: not params, since they rerun no stage, but named in every metrics file."""

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


@dataclass(frozen=True)
class Runtime:
    """Device name, precision ("fp32" or "bf16") of the convolutions, CPU threads, and processes that work together."""

    device: str
    precision: str
    threads: int
    processes: int = 1

    def __str__(self) -> str:
        together = f", {self.processes} processes" if self.processes > 1 else ""
        return f"{self.device} {self.precision}, {self.threads} threads{together}"

    def autocast(self) -> AbstractContextManager:
        """Mixed precision for the block where the precision is not fp32."""
        return torch.autocast(
            torch.device(self.device).type, PRECISIONS[self.precision], enabled=self.precision != "fp32"
        )

    def place(self, module: M) -> M:
        """The module on the device, in the memory format that convolutions like."""
        return module.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]


def precision_of(device: str) -> str:
    """bf16 where the hardware has instructions for it, else fp32: a property of the machine, never of its load."""
    kind = torch.device(device).type
    if kind == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    return "bf16" if kind == "cpu" and machine.multiplies_bf16() else "fp32"


def accelerator() -> str:
    """The device of the machine that is fastest: a CUDA or an Apple GPU, else the CPU."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def checked(device: str) -> str:
    """The device, on which a tensor can be made. Raises UserError for another."""
    try:
        torch.zeros(1, device=device)
        if device != "cpu" and torch.device(device).type == "cpu":
            raise RuntimeError("a CPU has no number")
    except (RuntimeError, AssertionError, NotImplementedError):
        raise UserError(f"FUNDIFF_DEVICE: {device!r} is not a device of this machine; try cpu") from None
    return device


def keep_freed_memory() -> None:
    """Let new tensors have the pages of freed ones (Linux with glibc; nothing is done elsewhere).

    By default a large tensor's pages go back to the system, and fault anew when the next layer writes.
    """
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        libc.mallopt(M_MMAP_MAX, 0)
        libc.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)


@cache
def prepare_runtime() -> Runtime:
    """The fastest runtime of this machine, or what FUNDIFF_DEVICE, FUNDIFF_PRECISION and FUNDIFF_THREADS say.

    Algorithms are deterministic where there is such a one, else torch warns and names it. Raises UserError.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read once, by the first product on a GPU
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
    # The same flags as by torch.use_deterministic_algorithms, which would import torch's compiler, for seconds.
    torch.set_deterministic_debug_mode("warn")
    # Filling fresh memory changes no result and costs a pass over every tensor.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    return Runtime(device, precision, torch.get_num_threads(), workers.count())
