"""The tables, curves and samples of docs/course/README.md: `python docs/course/record.py NAME=FOLDER TRAINING...`.

A folder is a copy of the project in which these trainings ran with its params.yaml. Say which ran: of the others it still
has the results of the default params, which are in git. Its numbers go to numbers.json under its name, its samples to a
folder; runs that are not named stay. README.md is filled from numbers.json. Without arguments the page is filled again.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from PIL import Image

HERE = Path(__file__).parent
RECIPE = ("hidden_size", "batch_size", "epochs", "repeats", "learning_rate", "decay")
TRAININGS = {
    "train_denoiser": "denoiser",
    "train_pure_noise": "denoiser of pure noise",
    "train_time_unet": "time-conditioned UNet",
    "train_class_unet": "class-conditioned UNet",
    "train_flow_constant": "class-conditioned UNet, constant rate",
}
SCORES = {"sample_time_unet": "time-conditioned", "sample_class_unet": "class-conditioned"}
FIGURES = {
    "train_denoiser": "sample_denoiser.png",
    "train_pure_noise": "pure_noise.png",
    "train_time_unet": "time_unet",
    "train_class_unet": "class_unet",
    "train_flow_constant": "compare_schedules.png",
}

Runs = dict[str, Any]  # name of a run -> its trainings and scores


def read(path: Path) -> dict[str, Any]:
    """A JSON file's content."""
    return json.loads(path.read_text(encoding="utf-8"))


def training(folder: Path, stage: str, params: dict[str, Any]) -> dict[str, Any]:
    """One training: its recipe, size and losses by epoch."""
    made = read(folder / f"metrics/{stage}.json")
    curve = pd.read_csv(folder / f"metrics/{stage}.csv")
    section = params["base"] | params[stage]
    losses = {key: curve[key].tolist() for key in ("train_loss", "validation_loss")}
    kept = {key: made[key] for key in ("digits", "parameters", "runtime")}
    return {key: section[key] for key in RECIPE} | kept | losses


def run_of(folder: Path, trainings: list[str]) -> dict[str, Any]:
    """The trainings that ran in a folder, and the scores of their samples."""
    params = yaml.safe_load((folder / "params.yaml").read_text(encoding="utf-8"))
    scored = [stage for stage in SCORES if stage.replace("sample", "train") in trainings]
    return {
        "trainings": {stage: training(folder, stage, params) for stage in trainings},
        "scores": {stage: read(folder / f"metrics/{stage}.json") for stage in scored},
    }


def keep_figures(folder: Path, trainings: list[str], kept: Path) -> None:
    """Copy what the course asks to show, with 32 greys or colours, which take a third of the size."""
    for path in (folder / "report/figures" / FIGURES[stage] for stage in trainings):
        for source in sorted(path.glob("*.png")) if path.is_dir() else [path]:
            target = kept / source.relative_to(folder / "report/figures")
            target.parent.mkdir(parents=True, exist_ok=True)
            Image.open(source).convert("RGB").quantize(32, dither=Image.Dither.NONE).save(
                target, optimize=True
            )


def draw_curves(runs: Runs, path: Path) -> None:
    """Loss against epoch, one panel for each training: training digits and held-out digits."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    panels = [(run, stage, row) for run, made in runs.items() for stage, row in made["trainings"].items()]
    size = (3.6 * len(panels), 3)
    figure, axes = plt.subplots(1, len(panels), figsize=size, squeeze=False, layout="constrained")
    for axis, (run, stage, row) in zip(axes.flat, panels, strict=True):
        for key, style in (("train_loss", "o-"), ("validation_loss", "s--")):
            axis.plot(range(1, row["epochs"] + 1), row[key], style, markersize=4, label=key.replace("_", " "))
        axis.set(title=f"{TRAININGS[stage]}\n{run}", xlabel="epoch")
        axis.grid(alpha=0.3)
        axis.spines[["top", "right"]].set_visible(False)
    axes.flat[0].legend(frameon=False)
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)


def table(head: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown."""
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [head, ["---"] * len(head), *rows])


def number(value: float) -> str:
    """Three significant digits."""
    return f"{value:#.3g}".rstrip(".")


def trainings_table(runs: Runs) -> str:
    """Every training: its recipe, how many images it saw, its losses after the first and the last epoch."""
    head = ["run", "network", "D", "weights", "batch, rate, decay", "images"]
    rows = []
    for run, made in runs.items():
        for stage, row in made["trainings"].items():
            recipe = f"{row['batch_size']}, {row['learning_rate']:g}, {row['decay']}"
            images = row["digits"] * row["epochs"] * row["repeats"]
            losses = [
                f"{number(row[k][0])} to {number(row[k][-1])}" for k in ("train_loss", "validation_loss")
            ]
            size = [f"{row['hidden_size']}", f"{row['parameters']:,}"]
            rows.append([run, TRAININGS[stage], *size, recipe, f"{images:,}", *losses])
    return table([*head, "training loss", "held-out loss"], rows)


def scores_table(runs: Runs) -> str:
    """The judge's scores of every run's samples, and of real digits in sets of the same size."""
    head = ["run", "network", "guidance", "accuracy", "Frechet distance", "coverage", "recall"]
    rows, real = [], None
    for run, made in runs.items():
        for stage, scores in made["scores"].items():
            real = scores
            by_scale = scores.get("frechet_per_guidance", {"none": scores["frechet"]})
            for scale, distance in by_scale.items():
                accuracy = scores["accuracy"]["per_guidance"][scale] if "accuracy" in scores else None
                shares = [
                    scores.get(f"{k}_per_guidance", {scale: scores[k]})[scale] for k in ("coverage", "recall")
                ]
                told = "" if accuracy is None else f"{100 * accuracy:.1f}%"
                rows.append([run, SCORES[stage], scale, told, number(distance), *map(number, shares)])
    if real is not None:
        shares = [number(real[f"{key}_real"]) for key in ("coverage", "recall")]
        rows.append(
            [
                "real digits",
                "",
                "",
                f"{100 * real['judge_accuracy']:.1f}%",
                number(real["frechet_floor"]),
                *shares,
            ]
        )
    return table(head, rows)


TABLES = {"trainings": trainings_table, "scores": scores_table}


def filled(page: str, runs: Runs) -> str:
    """The page with its tables: each stands between `<!-- NAME -->` and `<!-- end -->`."""
    for name, made in TABLES.items():
        before, _, rest = page.partition(f"<!-- {name} -->\n")
        if rest:
            after = rest[rest.index("<!-- end -->") :]
            page = f"{before}<!-- {name} -->\n{made(runs)}\n{after}"
    return page


def main(run: str = "", *trainings: str) -> None:
    """Record the trainings of a run NAME=FOLDER, if one is named; then draw the curves and fill the page's tables."""
    path, page = HERE / "numbers.json", HERE / "README.md"
    runs = read(path) if path.is_file() else {}
    if run:
        name, folder = run.split("=", 1)
        runs[name] = run_of(Path(folder), list(trainings))
        keep_figures(Path(folder), list(trainings), HERE / re.sub(r"\W+", "_", name))
    path.write_text(json.dumps(runs, indent=1) + "\n", encoding="utf-8")
    draw_curves(runs, HERE / "curves.png")
    page.write_text(filled(page.read_text(encoding="utf-8"), runs), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
