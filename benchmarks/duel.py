"""The two sides of a row take turns, each in a process of its own.

This module must import nothing large: a new process inherits its parent's peak memory.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict
from typing import Any

from benchmarks.record import Outcome
from benchmarks.row import Row, Side
from benchmarks.turn import Turn
from fundiff.pipeline.errors import UserError

MEGABYTE = (
    2**20 if sys.platform == "darwin" else 2**10
)  # ru_maxrss is in bytes on macOS, in kilobytes on Linux


class Contestant:
    """The process of one side, set up and warmed up when constructed. Raises UserError if it fails."""

    def __init__(self, side: Side):
        self.name = side.function
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115
        command = [sys.executable, "-m", "benchmarks.worker", side.function, json.dumps(side.args)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True
        )
        self.hear()

    def hear(self) -> dict[str, Any]:
        """Its next answer."""
        assert self.process.stdout
        line = self.process.stdout.readline()
        answer = json.loads(line) if line else {"error": f"{self.name} ended early: {self.last_words()}"}
        if "error" in answer:
            raise UserError(answer["error"])
        return answer

    def last_words(self) -> str:
        """Its last line on stderr."""
        self.errors.seek(0)
        return ([line.strip() for line in self.errors if line.strip()] or ["it said nothing"])[-1]

    def play(self, rival: Turn | None) -> Turn:
        """Play one turn."""
        assert self.process.stdin
        print(json.dumps(asdict(rival) if rival else None), file=self.process.stdin, flush=True)
        return Turn(**self.hear())

    def close(self) -> float:
        """End the process and return its peak memory in MB: the accelerator's if it used one."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.close()
        last = json.loads(self.process.stdout.readline() or "{}")
        self.process.stdout.close()
        self.errors.close()
        _, status, usage = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        return last.get("accelerator_mb") or usage.ru_maxrss / MEGABYTE


def duel(row: Row, turns: int) -> Outcome:
    """Play the row's turns alternately, the peer first; without a peer FunDiff plays alone."""
    sides = {}
    try:
        for name, side in (("peer", row.theirs), ("fundiff", row.ours)):
            if side:
                sides[name] = Contestant(side)
        pairs = []
        for _ in range(turns):
            theirs = sides["peer"].play(None) if "peer" in sides else None
            pairs.append((theirs, sides["fundiff"].play(theirs)))
        return Outcome(pairs, {side: contestant.close() for side, contestant in sides.items()})
    finally:
        for contestant in sides.values():
            if contestant.process.returncode is None:
                contestant.process.kill()
                contestant.process.wait()
