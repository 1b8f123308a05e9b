"""The machine as the system tells of it, without loading torch."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path
from typing import Any

# What decides how fast convolutions are, and whether bf16 pays.
INSTRUCTIONS = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "asimd", "sve", "bf16")


def cpu_info() -> str:
    """Linux's /proc/cpuinfo; empty elsewhere."""
    path = Path("/proc/cpuinfo")
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def described() -> dict[str, Any]:
    """CPU model, cores, and those of its instruction sets that matter here."""
    info = cpu_info()
    model = re.search(r"^model name\s*:\s*(.+)$", info, re.MULTILINE)
    flags = re.search(r"^(?:flags|Features)\s*:\s*(.+)$", info, re.MULTILINE)
    known = set(flags[1].split()) if flags else set()
    return {
        "cpu": model[1].strip() if model else platform.processor() or platform.machine(),
        "cores": cores(),
        "instruction_sets": [name for name in INSTRUCTIONS if name in known],
    }
