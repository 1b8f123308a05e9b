"""Progress of long work, on stderr: how far it is, how fast, and how much longer it takes."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from tqdm import tqdm

from fundiff.pipeline import workers


def pace(what: str, unit: str = "step") -> dict[str, Any]:
    """tqdm's options: what is done, in which units; a log gets a line now and then, a terminal one that moves."""
    interval = 1 if sys.stderr.isatty() else 20
    return {"desc": what, "unit": unit, "mininterval": interval, "disable": not workers.leads()}


def progress(items: Iterable, what: str, total: int, unit: str = "step") -> tqdm:
    """The items, with a bar that advances as they are taken, and that a short loop never shows."""
    return tqdm(items, total=total, delay=5, **pace(what, unit))
