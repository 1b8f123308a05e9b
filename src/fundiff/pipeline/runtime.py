"""Where and how the work runs: not params, since they rerun no stage, but named in every metrics file."""

from __future__ import annotations

import copy
import ctypes
import os
import sys
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

import torch
from torch import nn

from fundiff.pipeline import workers
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


@cache
def bf16_pays(device: str) -> bool:
    """Whether a small convolution is not slower in bf16: without AVX512-bf16 or AMX it is many times slower.

    Both take turns, and the best of each counts: other work on the machine must not change the bits of a training.
    """
    x = torch.randn(16, 64, 28, 28, device=device).to(memory_format=torch.channels_last)
    conv = nn.Conv2d(64, 64, 3, padding=1).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    subjects = [(x, conv), (x.bfloat16(), copy.deepcopy(conv).bfloat16())]
    times: list[list[float]] = [[], []]
    with torch.no_grad():
        for _ in range(12):
            for (images, layer), taken in zip(subjects, times, strict=True):
                start = time.perf_counter()
                layer(images).sum().item()
                taken.append(time.perf_counter() - start)
    fp32, bf16 = (min(taken[1:]) for taken in times)
    return bf16 < 1.2 * fp32


def keep_freed_memory() -> None:
    """Let new tensors have the pages of freed ones (Linux with glibc; nothing is done elsewhere).

    By default a large tensor's pages go back to the system, and fault anew when the next layer writes.
    """
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        libc.mallopt(M_MMAP_MAX, 0)
        libc.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)


@cache
def detect() -> Runtime:
    """The fastest runtime of this machine, or what FUNDIFF_DEVICE, FUNDIFF_PRECISION and FUNDIFF_THREADS say."""
    device = os.environ.get("FUNDIFF_DEVICE") or ("cuda" if torch.cuda.is_available() else "cpu")
    workers.join(device)
    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError):
        raise UserError(f"FUNDIFF_DEVICE: {device!r} is not a device of this machine; try cpu") from None
    threads = os.environ.get("FUNDIFF_THREADS")
    if threads:
        if not threads.isdigit() or int(threads) < 1:
            raise UserError(f"FUNDIFF_THREADS: {threads!r}; expected a whole number from 1")
        torch.set_num_threads(int(threads))
    precision = os.environ.get("FUNDIFF_PRECISION")
    precision = precision or workers.agreed("bf16" if bf16_pays(device) else "fp32")
    if precision not in PRECISIONS:
        raise UserError(f"FUNDIFF_PRECISION: {precision!r}; expected one of {', '.join(PRECISIONS)}")
    keep_freed_memory()
    # The same flags as by torch.use_deterministic_algorithms, which would import torch's compiler, for seconds.
    torch.set_deterministic_debug_mode("warn")
    # Filling fresh memory changes no result and costs a pass over every tensor.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    return Runtime(device, precision, torch.get_num_threads(), workers.count())
