"""metrics/bench.json as a table: for the terminal, or in Markdown with --markdown."""

from __future__ import annotations

import sys
from typing import Any

from benchmarks.record import load
from benchmarks.rows import ROWS

HEAD = ("row", "peer", "FunDiff", "times as fast", "MB, peer / FunDiff")


def number(value: float) -> str:
    """Three significant digits, or all digits before the decimal point."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def cells(row: dict[str, Any]) -> list[str]:
    """Cells of a row: the peer's figure, FunDiff's, ratio with its range, memory."""
    sides = ("peer", "fundiff") if row["peer"] else ("fundiff",)
    figures = {side: f"{number(row['median'][side])} {row['unit']}" for side in sides}
    ratio = f"{row['ratio']:.2f}" if row["peer"] else ""
    if row["peer"] and row["turns"] > 1:
        ratio += f" ({row['low']:.2f} to {row['high']:.2f})"
    memory = " / ".join(number(row["memory_mb"][side]) for side in sides)
    return [figures.get("peer", ""), figures["fundiff"], ratio, memory]


def ordered(bench: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The measured rows, in the order of ROWS."""
    return {row.name: bench[row.name] for row in ROWS if row.name in bench}


def told(machine: dict[str, Any]) -> str:
    """The machine in one line."""
    sets = ", ".join(machine["instruction_sets"])
    where = f"{machine['accelerator']}, " if machine["accelerator"] else ""
    return f"{where}{machine['cpu']}, {machine['cores']} cores ({sets}), torch {machine['torch']}, {machine['runtime']}"


def plain(bench: dict[str, Any]) -> str:
    """The table for a terminal."""
    rows = [HEAD, *((name, *cells(row)) for name, row in ordered(bench).items())]
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEAD))]
    lines = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([told(bench["machine"]), "", *lines])


def markdown(bench: dict[str, Any]) -> str:
    """The table in Markdown, with a description in place of the row's name."""
    rows = [
        (row["what"], row["peer"]["name"] if row["peer"] else "", *cells(row)[:3])
        for row in ordered(bench).values()
    ]
    lines = ["| | peer | its figure | FunDiff | times as fast |", "|---|---|---|---|---|"]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


if __name__ == "__main__":
    kept = load()
    print(markdown(kept) if "--markdown" in sys.argv else plain(kept))
