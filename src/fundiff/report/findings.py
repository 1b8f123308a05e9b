"""Sentences about numbers. Every comparison on the page is chosen by the numbers that it compares.

A finding reads a stage's metrics and returns one or two sentences. If the numbers change, the sentence changes with them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from fundiff.pipeline.errors import UserError
from fundiff.report.results import Stage

Stages = Mapping[str, Stage]
Finding = Callable[[Stage, Stages], str]


def trend(values: Sequence[float]) -> str:
    """`rises` or `falls` if no step goes the other way, `turns` if steps differ, `stays` if none moves."""
    steps = [b - a for a, b in pairwise(values) if b != a]
    if not steps:
        return "stays"
    if all(step > 0 for step in steps):
        return "rises"
    return "falls" if all(step < 0 for step in steps) else "turns"


def signed(value: float, form: str = ".2f") -> str:
    """A number with a typographic minus sign."""
    return format(value, form).replace("-", "−")


def listed(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def counted(count: int, of: int) -> str:
    """`all 4`, `none of 4`, `3 of 4`; `both` for 2 of 2."""
    if count == of == 2:
        return "both"
    return f"all {of}" if count == of else f"none of {of}" if count == 0 else f"{count} of {of}"


def spoken(name: str) -> str:
    """A key of params in words."""
    return name.replace("_", " ")


def by_number(row: Mapping[str, Any]) -> list[tuple[float, Any]]:
    """The entries of a table whose keys are numbers, smallest first."""
    return sorted(((float(key), value) for key, value in row.items()), key=lambda entry: entry[0])


def change(
    name: str, values: Sequence[float], scales: Sequence[float], form: str = ".2f", symbol: str = "γ"
) -> str:
    """How a measure changes over the guidance scales; with its extremes if it turns."""
    kind, first, last = trend(values), signed(values[0], form), signed(values[-1], form)
    if kind == "turns":
        low, high = (pick(range(len(values)), key=lambda i: values[i]) for pick in (min, max))
        told = [
            f"{word} at {symbol} = {scales[i]:g} ({signed(values[i], form)})"
            for word, i in (("largest", high), ("smallest", low))
        ]
        return f"{name} is {' and '.join(told)}"
    return f"{name} {kind} at {first}" if kind == "stays" else f"{name} {kind} from {first} to {last}"


def comparable(one: Stage, other: Stage) -> bool:
    """Whether two stages restore the same noisy picture."""
    return all(one.params.get(key) == other.params.get(key) for key in ("image", "seed"))


def best_read(stage: Stage | None) -> list[str]:
    """The names of a stage's pictures of several readings, the one whose weakest reading scores best first."""
    rows = stage.metrics if stage else {}
    scores = {
        name: row["alignment"] for name, row in rows.items() if isinstance(row, dict) and "readings" in row
    }
    return sorted(scores, key=lambda name: -scores[name])


def finding(table: Mapping[str, Finding], name: str, stages: Stages) -> str:
    """The sentences about a stage's numbers. Raises UserError if a number is missing."""
    try:
        return table[name](stages[name], stages)
    except KeyError as error:
        raise UserError(f"metrics/{name}.json: no {error} in it; `dvc repro` makes it") from None
