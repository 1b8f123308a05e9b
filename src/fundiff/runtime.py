"""Where and how the work runs: not params, since they rerun no stage, but named in every metrics file."""

from __future__ import annotations

import os
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

import torch
from torch import Tensor, nn

from fundiff.errors import UserError

M = TypeVar("M", bound=nn.Module)
PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16}


@dataclass(frozen=True)
class Runtime:
    """Device name, precision ("fp32" or "bf16") of the convolutions, and CPU threads."""

    device: str
    precision: str
    threads: int

    def __str__(self) -> str:
        return f"{self.device} {self.precision}, {self.threads} threads"

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
    """Whether a small convolution is faster in bf16: on CPUs without AVX512-bf16 or AMX it is many times slower."""
    x = torch.randn(16, 64, 28, 28, device=device).to(memory_format=torch.channels_last)
    conv = nn.Conv2d(64, 64, 3, padding=1).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def seconds(x: Tensor, conv: nn.Module) -> float:
        times = []
        with torch.no_grad():
            for _ in range(6):
                start = time.perf_counter()
                conv(x).sum().item()
                times.append(time.perf_counter() - start)
        return min(times[1:])

    fp32 = seconds(x, conv)
    return seconds(x.bfloat16(), conv.bfloat16()) < fp32


@cache
def detect() -> Runtime:
    """The fastest runtime of this machine, or what FUNDIFF_DEVICE, FUNDIFF_PRECISION and FUNDIFF_THREADS say."""
    device = os.environ.get("FUNDIFF_DEVICE") or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError):
        raise UserError(f"FUNDIFF_DEVICE: {device!r} is not a device of this machine; try cpu") from None
    threads = os.environ.get("FUNDIFF_THREADS")
    if threads:
        if not threads.isdigit() or int(threads) < 1:
            raise UserError(f"FUNDIFF_THREADS: {threads!r}; expected a whole number from 1")
        torch.set_num_threads(int(threads))
    precision = os.environ.get("FUNDIFF_PRECISION") or ("bf16" if bf16_pays(device) else "fp32")
    if precision not in PRECISIONS:
        raise UserError(f"FUNDIFF_PRECISION: {precision!r}; expected one of {', '.join(PRECISIONS)}")
    torch.use_deterministic_algorithms(True, warn_only=True)
    return Runtime(device, precision, torch.get_num_threads())
