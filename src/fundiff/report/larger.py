"""Single pictures as stage `upscaling` made them large; the true pixels stay a link away."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from os.path import commonpath
from pathlib import Path

from fundiff.pipeline.errors import UserError
from fundiff.report import embedding

FOLDER = "data/upscaled"
QUALITY = 70  # of their WebP: smooth pictures, in which no loss is seen
WORDS = {"realesrgan": "Real-ESRGAN", "resize": "Lanczos resizing", "stage_ii": "the model’s second stage"}


@dataclass(frozen=True)
class Larger(embedding.Picture):
    """A picture at four times its size; `true`: the link to its true pixels."""

    true: str


@dataclass(frozen=True)
class Enlargements:
    """The large pictures of a project: what made each, by the path of its true pixels."""

    root: Path

    @cached_property
    def made(self) -> dict[str, str]:
        """True picture's path -> upscaler; empty where none was made."""
        path = self.root / FOLDER / "made.json"
        if not path.is_file():
            return {}
        try:
            return dict(json.loads(path.read_text(encoding="utf-8")))
        except ValueError:
            raise UserError(f"{path}: not JSON; delete it, and `dvc repro upscaling` makes it anew") from None

    def figure(self, path: str) -> embedding.Picture:
        """A PNG of the report as a picture: large where there is a large one."""
        if path not in self.made:
            return embedding.figure(self.root / path)
        pixels = embedding.pixels_in(self.root / FOLDER / Path(path).relative_to("report/figures"))
        height, width = pixels.shape[:2]
        uri = embedding.encoded(pixels, QUALITY)
        return Larger(uri, width, height, sharp=False, true=path.removeprefix("report/"))

    def said(self, paths: Iterable[str]) -> tuple[str, str]:
        """What made these pictures large, in words, and the folder of their true pixels; both empty where nothing did."""
        large = [path for path in paths if path in self.made]
        if not large:
            return "", ""
        by = " or ".join(WORDS[kind] for kind in sorted({self.made[path] for path in large}))
        return by, commonpath([Path(path).parent.as_posix() for path in large]).removeprefix("report/")
