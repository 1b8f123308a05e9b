"""The outs of a Part A stage: figures, single pictures, animations and numbers, named after the stage."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from fundiff.pictures.films import save_film, save_steps
from fundiff.pictures.grids import grid
from fundiff.pictures.sources import save_png
from fundiff.pipeline.files import write_json
from fundiff.pipeline.runtime import prepare_runtime


def unit(x: Tensor) -> Tensor:
    """Pictures in [-1, 1] as floats in [0, 1] on the CPU, clamped."""
    return ((x + 1) / 2).clamp(0, 1).float().cpu()


def wrapped(text: str, width: int = 24) -> str:
    """A prompt in lines of at most `width` characters; `""` for the empty prompt."""
    return textwrap.fill(text or '""', width)


def quoted(*prompts: str) -> str:
    """Prompts in quotation marks, joined by commas."""
    return ", ".join(f"“{prompt}”" for prompt in prompts)


def rounded(value: Any) -> Any:
    """The same value with floats to 4 decimal places, and keys as text."""
    if isinstance(value, dict):
        return {str(key): rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return round(value, 4) if isinstance(value, float) else value


class Outs:
    """The files of one stage: report/figures/STAGE/ and metrics/STAGE.json. Pictures are in [-1, 1].

    Make it before the stage's work: it prepares the process (threads, deterministic algorithms).
    """

    def __init__(self, stage: str):
        self.stage, self.folder = stage, Path("report/figures") / stage
        self.runtime = prepare_runtime()

    def grid(self, rows: Sequence[Sequence[Tensor] | Tensor], name: str | None = None, **labels: Any) -> None:
        """Write a labelled figure; a row is a sequence of pictures `[3, H, W]`. name: the stage's by default."""
        panels = [[unit(picture) for picture in row] for row in rows]
        grid(self.folder / f"{name or self.stage}.png", panels, **labels)

    def single(self, name: str, picture: Tensor) -> None:
        """Write one picture `[3, S, S]` as PNG in its true size."""
        save_png(self.folder / "single" / f"{name}.png", picture)

    def animation(self, frames: Sequence[Tensor], columns: int, labels: Sequence[str], about: str) -> None:
        """Write the frames `[B, 3, S, S]` of a denoising as an animation: a sheet of `columns` columns and a label each."""
        save_steps(self.folder / f"{self.stage}.webp", [unit(x) for x in frames], columns, labels, about)

    def film(
        self, name: str, frames: Sequence[np.ndarray], labels: Sequence[str], about: str, hold: int = 1500
    ) -> None:
        """Write frames `[H, W, C]` uint8 as an animation that holds its last frame for `hold` milliseconds."""
        save_film(self.folder / f"{name}.webp", frames, labels, about, hold=hold)

    def numbers(self, numbers: dict[str, Any]) -> None:
        """Write metrics/STAGE.json, floats to 4 decimal places, with the device, precision and threads of this process."""
        write_json(f"metrics/{self.stage}.json", rounded(numbers) | {"runtime": str(self.runtime)})
