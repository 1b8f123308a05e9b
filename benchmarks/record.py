"""Results of a row's turns, and their file metrics/bench.json: one object per row."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.row import Row
from benchmarks.turn import Turn
from fundiff.pipeline.errors import UserError
from fundiff.pipeline.files import write_json

PATH = "metrics/bench.json"


@dataclass(frozen=True)
class Outcome:
    """Pairs of turns (peer's or None, FunDiff's), and each side's peak memory in MB."""

    pairs: list[tuple[Turn | None, Turn]]
    memory: dict[str, float]


def ratios(row: Row, pairs: list[tuple[Turn | None, Turn]]) -> list[float]:
    """How many times as fast FunDiff was, for each pair of turns; empty without a peer."""
    found = [(theirs.value, ours.value) for theirs, ours in pairs if theirs]
    return [ours / theirs if row.is_rate else theirs / ours for theirs, ours in found]


def record(row: Row, outcome: Outcome) -> dict[str, Any]:
    """The row's object: median, lowest and highest ratio of the pairs, and each side's median."""
    paired = ratios(row, outcome.pairs)
    turns = {"fundiff": [ours for _, ours in outcome.pairs]}
    if paired:
        turns["peer"] = [theirs for theirs, _ in outcome.pairs if theirs]
    return {
        "what": row.what,
        "unit": row.unit,
        "peer": {"name": row.peer, "version": row.version} if paired else None,
        "ratio": round(median(paired), 3) if paired else None,
        "low": round(min(paired), 3) if paired else None,
        "high": round(max(paired), 3) if paired else None,
        "turns": len(outcome.pairs),
        "median": {side: significant(median(t.value for t in played)) for side, played in turns.items()},
        "memory_mb": {side: round(peak) for side, peak in outcome.memory.items()},
        # Scored samples add up over the turns, so the last turn's details have all of them.
        "details": {side: rounded(played[-1].details) for side, played in turns.items()},
    }


def significant(value: float) -> float:
    """The value to four significant digits."""
    return float(f"{value:.4g}")


def rounded(details: dict[str, Any]) -> dict[str, Any]:
    """The details with floats to four significant digits."""
    return {k: significant(v) if isinstance(v, float) else v for k, v in details.items()}


def load(path: str | Path = PATH) -> dict[str, Any]:
    """The file's content, {} if there is no file. Raises UserError if it is not JSON."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError:
        raise UserError(f"{path}: not JSON; restore it from git or delete it") from None


def write_row(name: str, row: dict[str, Any], machine: dict[str, Any], path: str | Path = PATH) -> None:
    """Write one row into the file. Rows of another machine are removed from it."""
    kept = load(path)
    if kept.get("machine") != machine:
        if len(kept) > 1:
            print(f"{path} was of another machine: its {len(kept) - 1} rows are replaced", flush=True)
        kept = {"machine": machine}
    write_json(path, kept | {name: row})
