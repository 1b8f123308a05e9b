"""Progress bars of long work, on stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from tqdm import tqdm

from fundiff.pipeline import workers


def pace(what: str, unit: str = "step") -> dict[str, Any]:
    """tqdm's options: updates each second in a terminal, every 20 s in a log; only the first process shows a bar."""
    interval = 1 if sys.stderr.isatty() else 20
    return {"desc": what, "unit": unit, "mininterval": interval, "disable": not workers.leads()}


def progress(items: Iterable, what: str, total: int, unit: str = "step") -> tqdm:
    """The items, with a bar that appears after 5 seconds."""
    return tqdm(items, total=total, delay=5, **pace(what, unit))
