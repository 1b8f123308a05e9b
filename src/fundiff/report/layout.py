"""Which single pictures stand side by side: a grid of rows and columns for the stages that keep singles."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from fundiff.pictures.names import slug
from fundiff.report.findings import spoken
from fundiff.report.results import Stage

Stages = Mapping[str, Stage]


class Grid(NamedTuple):
    """Columns' labels, and rows of a title and as many paths; no rows where a picture is missing."""

    columns: list[str]
    rows: list[tuple[str, list[str]]]


def whole(stage: Stage, columns: list[str], rows: list[tuple[str, list[str]]]) -> Grid:
    """The grid of names of single pictures, if the stage kept them all."""
    placed = [(title, [stage.single(name) for name in names]) for title, names in rows]
    return Grid(columns, placed if all(all(paths) for _, paths in placed) else [])


def timesteps(params: Mapping[str, Any]) -> list[int]:
    """The timesteps of a stage's loop: the multiples of the stride below the model's T, from the largest to 0."""
    return list(range((params["T"] - 1) // params["stride"] * params["stride"], -1, -params["stride"]))


def setup(stage: Stage) -> Grid:
    """Numbers of steps in rows, prompts in columns."""
    prompts = stage.params["prompts"]
    rows = [
        (f"{n} steps", [f"{slug(prompt)}_{n:03d}_steps" for prompt in prompts])
        for n in stage.params["num_inference_steps"]
    ]
    return whole(stage, prompts, rows)


def times(stage: Stage) -> Grid:
    """One picture at each timestep."""
    named = {"forward_process": "noisy", "gaussian_denoising": "best blur"}.get(stage.name, "one step")
    chosen = stage.params["timesteps"]
    return whole(stage, [f"t = {t}" for t in chosen], [(named, [f"t_{t:03d}" for t in chosen])])


def levels(stage: Stage) -> Grid:
    """A picture a row, at every level and as it was."""
    chosen, at = sorted(stage.params["levels"]), timesteps(stage.params)
    columns = [f"level {n}, t = {at[n]}" for n in chosen if n < len(at)]
    rows = [
        (spoken(name), [*(f"{name}_level_{n:02d}" for n in chosen), f"{name}_original"])
        for name in stage.params["images"]
    ]
    return whole(stage, [*columns, "original"], rows)


def samples(stage: Stage) -> Grid:
    """Samples side by side; guidance's in a row a scale, where the stage kept those of its sweep."""
    numbers = range(1, stage.params["count"] + 1)
    scales = sorted(
        {
            *stage.params.get("sweep", []),
            *([stage.params["guidance_scale"]] if "sweep" in stage.params else []),
        }
    )
    swept = [(f"sample {i}", [f"g_{g:g}_{i}" for g in scales]) for i in numbers]
    grid = whole(stage, [f"γ = {g:g}" for g in scales], swept)
    if scales and grid.rows:
        return grid
    return whole(stage, [f"sample {i}" for i in numbers], [("", [str(i) for i in numbers])])


GRIDS: dict[str, Callable[[Stage], Grid]] = {
    "setup": setup,
    "forward_process": times,
    "gaussian_denoising": times,
    "one_step_denoising": times,
    "sampling": samples,
    "guidance": samples,
    "sdedit": levels,
    "edit_images": levels,
    "text_sdedit": levels,
}


def grid_of(stage: Stage) -> Grid:
    """The stage's single pictures as a grid; empty where it has none of the kind."""
    return GRIDS[stage.name](stage) if stage.name in GRIDS else Grid([], [])


def times_of_frames(params: Mapping[str, Any], count: int, first: int = 0) -> list[str]:
    """What t each frame of a denoising shows, whose frames were thinned to `count`."""
    at = timesteps(params)[first:]
    return [f"t = {at[round(i * (len(at) - 1) / max(1, count - 1))]}" for i in range(count)]


def originals(stages: Stages) -> dict[str, str]:
    """The given pictures that stages kept beside their own, by name."""
    found = [path for stage in stages.values() for path in stage.figures if path.endswith("_original.png")]
    return {path.split("/")[-1].removesuffix("_original.png"): path for path in reversed(found)}
