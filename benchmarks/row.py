"""A row of the bench: what is measured, and by whom."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import metadata
from typing import Any

from fundiff.pipeline.errors import UserError

RATES = ("images/s", "GFLOP/s")


@dataclass(frozen=True)
class Side:
    """A contestant: a function of this package, `module.name`, and its arguments."""

    function: str
    args: dict[str, Any] = field(default_factory=dict)


def side(function: str, **args: Any) -> Side:
    """The same, written as a call."""
    return Side(function, args)


@dataclass(frozen=True)
class Row:
    """One comparison. needs: outs of the pipeline that it reads, by the stage that makes them."""

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
        """Whether more of the unit is better; seconds are better where they are fewer."""
        return self.unit in RATES

    @property
    def version(self) -> str:
        """The version of the package that the peer is, or stands on. Raises UserError where it is missing."""
        try:
            return f"{self.package} {metadata.version(self.package)}"
        except metadata.PackageNotFoundError:
            raise UserError(f"{self.name}: {self.package} is not installed; `make bench` brings it") from None
