"""A row of the bench: what is measured, and by whom."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import metadata
from typing import Any

from fundiff.pipeline.errors import UserError

RATES = ("images/s", "GFLOP/s")


@dataclass(frozen=True)
class Side:
    """One side of a row: a function of this package, `module.name`, and its arguments."""

    function: str
    args: dict[str, Any] = field(default_factory=dict)


def side(function: str, **args: Any) -> Side:
    """A Side, with its arguments as keywords."""
    return Side(function, args)


@dataclass(frozen=True)
class Row:
    """One comparison. needs: an output of the pipeline that it reads -> the stage that makes it."""

    name: str
    what: str
    unit: str
    ours: Side
    theirs: Side | None = None
    peer: str = ""
    package: str = "torch"
    turns: int = 5
    needs: dict[str, str] = field(default_factory=dict)

    @property
    def is_rate(self) -> bool:
        """Whether a larger value is better (of seconds, a smaller one is)."""
        return self.unit in RATES

    @property
    def version(self) -> str:
        """Name and version of the peer's package. Raises UserError if it is not installed."""
        try:
            return f"{self.package} {metadata.version(self.package)}"
        except metadata.PackageNotFoundError:
            raise UserError(f"{self.name}: {self.package} is not installed; `make bench` brings it") from None
