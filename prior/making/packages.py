"""The packages of drawings that the prior learned from."""

from __future__ import annotations

from typing import Literal

from fundiff.pipeline.registry import RegistryFile


class Package(RegistryFile):
    """One package of drawings or names: what it holds, and the licence of its pictures."""

    kind: Literal["names", "keywords", "svg", "bitmap", "clipart", "people"]
    licence: str
