"""`python -m benchmarks.run [NAME ...]`: measure the rows, write them to metrics/bench.json, print the table."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.duel import duel
from benchmarks.record import PATH, load, record, write_row
from benchmarks.row import Row
from benchmarks.rows import ROWS
from benchmarks.table import plain
from fundiff.pipeline.errors import UserError
from fundiff.pipeline.params import nearest
from fundiff.pipeline.stage import target_of


def chosen(names: list[str]) -> list[Row]:
    """The named rows in the order of ROWS; all rows if none is named. Raises UserError for an unknown name."""
    known = {row.name: row for row in ROWS}
    for name in names:
        if name not in known:
            raise UserError(f"{name!r} is not a row; {nearest(name, list(known))}")
    return [row for row in ROWS if row.name in names or not names]


def check(rows: list[Row]) -> None:
    """Raises UserError if an out of the pipeline or a peer is missing."""
    needed = {path: stage for row in rows for path, stage in row.needs.items()}
    missing = {path: stage for path, stage in needed.items() if not Path(path).exists()}
    if missing:
        stages = " ".join(map(target_of, dict.fromkeys(missing.values())))
        raise UserError(f"{', '.join(missing)}: not found; run `dvc repro {stages}`")
    for row in rows:
        _ = row.version


def machine() -> dict[str, Any]:
    """Description of this machine, from `benchmarks.machine`. Raises UserError if that fails."""
    done = subprocess.run([sys.executable, "-m", "benchmarks.machine"], capture_output=True, text=True)
    if done.returncode:
        raise UserError(f"the machine cannot be described: {done.stderr.strip().splitlines()[-1]}")
    return json.loads(done.stdout)


def measure(names: list[str], turns: int | None) -> None:
    """Measure the named rows, write each as soon as it is done, and print the table of all rows."""
    rows = chosen(names)
    check(rows)
    here, begin = machine(), time.perf_counter()
    for index, row in enumerate(rows, 1):
        start = time.perf_counter()
        print(f"[{index}/{len(rows)}] {row.name}", end=" ", flush=True)
        write_row(row.name, record(row, duel(row, turns or row.turns)), here)
        print(f"{time.perf_counter() - start:.0f} s", flush=True)
    print(f"\n{plain(load())}\n\n{PATH}: {len(rows)} rows in {time.perf_counter() - begin:.0f} s")


def main() -> None:
    """The command; a UserError is one line and exit code 1."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="rows to measure; all of them by default")
    parser.add_argument("--turns", type=int, help="turns of each row, instead of its own number")
    options = parser.parse_args()
    try:
        measure(options.names, options.turns)
    except UserError as error:
        sys.exit(f"benchmarks: {error}")


if __name__ == "__main__":
    main()
