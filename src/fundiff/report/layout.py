"""Grids of single pictures: which of them stand in which row and column."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from fundiff.pictures.names import slug
from fundiff.report.findings import spoken
from fundiff.report.results import Stage

Stages = Mapping[str, Stage]


class Grid(NamedTuple):
    """The labels of the columns, and rows of a title and the paths of pictures. Without rows if a picture is missing."""

    columns: list[str]
    rows: list[tuple[str, list[str]]]


def whole(stage: Stage, columns: list[str], rows: list[tuple[str, list[str]]]) -> Grid:
    """The grid of named single pictures; empty if the stage lacks one of them."""
    placed = [(title, [stage.single(name) for name in names]) for title, names in rows]
    return Grid(columns, placed if all(all(paths) for _, paths in placed) else [])


def timesteps(params: Mapping[str, Any]) -> list[int]:
    """The timesteps of a stage's loop: the multiples of the stride below the model's T, from the largest to 0."""
    return list(range((params["T"] - 1) // params["stride"] * params["stride"], -1, -params["stride"]))


def setup(stage: Stage) -> Grid:
    """A row for each number of steps, a column for each prompt."""
    prompts = stage.params["prompts"]
    rows = [
        (f"{n} steps", [f"{slug(prompt)}_{n:03d}_steps" for prompt in prompts])
        for n in stage.params["num_inference_steps"]
    ]
    return whole(stage, prompts, rows)


def times(stage: Stage) -> Grid:
    """One picture at each timestep."""
    named = {
        "forward_process": "noisy",
        "gaussian_denoising": "best blur",
        "iterative_denoising": "iterative",
    }.get(stage.name, "one step")
    chosen = stage.params["also_from" if stage.name == "iterative_denoising" else "timesteps"]
    return whole(stage, [f"t = {t}" for t in chosen], [(named, [f"t_{t:03d}" for t in chosen])])


def levels(stage: Stage) -> Grid:
    """A row for each picture: every level, then the original."""
    chosen, at = sorted(stage.params["levels"]), timesteps(stage.params)
    columns = [f"level {n}, t = {at[n]}" for n in chosen if n < len(at)]
    rows = [
        (spoken(name), [*(f"{name}_level_{n:02d}" for n in chosen), f"{name}_original"])
        for name in stage.params["images"]
    ]
    return whole(stage, [*columns, "original"], rows)


def samples(stage: Stage) -> Grid:
    """Samples side by side."""
    numbers = range(1, stage.params["count"] + 1)
    return whole(stage, [f"sample {i}" for i in numbers], [("", [str(i) for i in numbers])])


GRIDS: dict[str, Callable[[Stage], Grid]] = {
    "setup": setup,
    "forward_process": times,
    "gaussian_denoising": times,
    "one_step_denoising": times,
    "iterative_denoising": times,
    "sampling": samples,
    "sdedit": levels,
    "edit_images": levels,
    "text_sdedit": levels,
}


def grid_of(stage: Stage) -> Grid:
    """The stage's single pictures as a grid; empty for a stage without such a grid."""
    return GRIDS[stage.name](stage) if stage.name in GRIDS else Grid([], [])


def originals(stages: Stages) -> dict[str, str]:
    """The given pictures that stages kept beside their own, by name."""
    found = [path for stage in stages.values() for path in stage.figures if path.endswith("_original.png")]
    return {path.split("/")[-1].removesuffix("_original.png"): path for path in reversed(found)}
