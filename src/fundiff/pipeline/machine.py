"""CPU model, cores and instruction sets, from the operating system; torch is not imported."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path
from typing import Any

# Instruction sets that decide the speed of convolutions and of bf16.
INSTRUCTIONS = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "asimd", "sve", "bf16")


def cpu_info() -> str:
    """Linux's /proc/cpuinfo; empty elsewhere."""
    path = Path("/proc/cpuinfo")
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def instruction_sets() -> list[str]:
    """Names of INSTRUCTIONS that the CPU has; empty if the system does not say."""
    flags = re.search(r"^(?:flags|Features)\s*:\s*(.+)$", cpu_info(), re.MULTILINE)
    known = set(flags[1].split()) if flags else set()
    return [name for name in INSTRUCTIONS if name in known]


def multiplies_bf16() -> bool:
    """Whether the CPU has instructions for bf16 (AVX512-bf16, AMX); without them it is many times slower than fp32."""
    return not {"avx512_bf16", "amx_bf16"}.isdisjoint(instruction_sets())


def peak_memory() -> int | None:
    """The most memory that this process has had, in MB; None if the system does not say."""
    path = Path("/proc/self/status")
    found = re.search(r"^VmHWM:\s*(\d+) kB", path.read_text(), re.MULTILINE) if path.is_file() else None
    return int(found[1]) // 1024 if found else None


def described() -> dict[str, Any]:
    """CPU model, usable cores and instruction sets."""
    model = re.search(r"^model name\s*:\s*(.+)$", cpu_info(), re.MULTILINE)
    return {
        "cpu": model[1].strip() if model else platform.processor() or platform.machine(),
        "cores": cores(),
        "instruction_sets": instruction_sets(),
    }
