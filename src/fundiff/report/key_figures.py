"""The key figures: a few numbers of each stage, beside the value of a trivial method and that of real data.

`dvc metrics show` lists them, and the report begins with them. All other numbers of a stage are in metrics/STAGE.json.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

from fundiff.pipeline.errors import UserError
from fundiff.report.findings import comparable
from fundiff.report.results import Stage


@dataclass(frozen=True)
class KeyFigure:
    """A stage's number; the value of a trivial method (blur, noise, guessing, other prompts); that of real data.

    None: not known.
    """

    here: float
    baseline: float | None = None
    real: float | None = None

    def numbers(self) -> dict[str, float]:
        """The values that are known, rounded to five decimal places."""
        return {name: round(value, 5) for name, value in asdict(self).items() if value is not None}


Figures = dict[str, KeyFigure]
Stages = Mapping[str, Stage]


def fit(rows: Iterable[dict[str, Any]]) -> Figures:
    """The pictures' mean alignment with their own prompts, beside that with all other prompts."""
    rows = list(rows)
    wrong = fmean(row["wrong_prompts"] for row in rows)
    return {"alignment": KeyFigure(fmean(row["own_prompt"] for row in rows), wrong)}


def pictures(stage: Stage) -> list[dict[str, Any]]:
    """The numbers of each picture, without those of the whole stage."""
    return [row for row in stage.metrics.values() if isinstance(row, dict)]


def setup(stage: Stage, stages: Stages) -> Figures:
    """Alignment at the largest number of steps."""
    return fit(stage.metrics["alignment"][f"{max(stage.params['num_inference_steps'])}_steps"].values())


def one_step_denoising(stage: Stage, stages: Stages) -> Figures:
    """PSNR at the middle timestep, beside that of the best blur."""
    times = stage.params["timesteps"]
    t = str(times[len(times) // 2])
    blur = stages.get("gaussian_denoising")
    blurred = blur.metrics["t"].get(t) if blur and comparable(stage, blur) else None
    return {"psnr": KeyFigure(stage.metrics["t"][t]["psnr"], blurred["psnr"] if blurred else None)}


def iterative_denoising(stage: Stage, stages: Stages) -> Figures:
    """PSNR, beside that of the best blur."""
    return {"psnr": KeyFigure(stage.metrics["iterative"]["psnr"], stage.metrics["blurred"]["psnr"])}


def sampling(stage: Stage, stages: Stages) -> Figures:
    """Alignment of all samples."""
    return fit([stage.metrics["alignment"]])


def guidance(stage: Stage, stages: Stages) -> Figures:
    """Alignment and spread of the guided samples."""
    return fit([stage.metrics["alignment"]]) | {"spread": KeyFigure(stage.metrics["spread"])}


def edits(stage: Stage, stages: Stages) -> Figures:
    """Alignment, mean over all pictures and levels."""
    levels = stage.metrics["alignment_per_level"].values()
    return {"alignment": KeyFigure(fmean(value for row in levels for value in row.values()))}


def masked_sdedit(stage: Stage, stages: Stages) -> Figures:
    """Alignment, mean over all pictures and levels."""
    levels = [row["alignment_per_level"] for row in pictures(stage)]
    return {"alignment": KeyFigure(fmean(value for row in levels for value in row.values()))}


def inpainting(stage: Stage, stages: Stages) -> Figures:
    """The step of brightness across the mask's border, beside the plain rule's and the original's; and alignment."""
    rows = [row for row in pictures(stage) if "seam" in row]
    plain, here = ([list(row["seam"].values())[i] for row in rows] for i in (0, -1))
    real = fmean(row["seam_of_original"] for row in rows)
    return {"seam": KeyFigure(fmean(here), fmean(plain), real)} | fit(row["alignment"] for row in rows)


def readings(stage: Stage, stages: Stages) -> Figures:
    """Of every picture with several readings the worst one, beside prompts drawn at random."""
    rows = pictures(stage)
    worst, random = (fmean(row[key] for row in rows) for key in ("alignment", "alignment_random"))
    return {"alignment": KeyFigure(worst, random)}


def samplers(stage: Stage, stages: Stages) -> Figures:
    """Alignment of the best sampler with the fewest UNet calls."""
    calls = f"{min(stage.params['calls'])}_calls"
    rows = [row[calls] for row in stage.metrics["alignment"].values()]
    return fit([max(rows, key=lambda row: row["own_prompt"])])


def ood_sigma(stage: Stage, stages: Stages) -> Figures:
    """PSNR at the noise level of the training, beside the best blur."""
    row = stage.metrics.get(f"{stages['train_denoiser'].params['sigma']:g}")
    return {"psnr_at_trained_sigma": KeyFigure(row["psnr"], row["gaussian_psnr"])} if row else {}


def training(stage: Stage, stages: Stages) -> Figures:
    """The held-out loss."""
    return {"held_out_loss": KeyFigure(stage.metrics["validation_loss"])}


def judge(stage: Stage, stages: Stages) -> Figures:
    """Accuracy on held-out digits."""
    return {"accuracy": KeyFigure(stage.metrics["held_out_accuracy"], 0.1)}


def digits(stage: Stage, stages: Stages) -> Figures:
    """Accuracy, Frechet distance, recall, and distance to the nearest training digit, beside those of real digits."""
    m = stage.metrics
    figures = (
        {"accuracy": KeyFigure(m["accuracy"]["overall"], 0.1, m["judge_accuracy"])} if "accuracy" in m else {}
    )
    return figures | {
        "frechet": KeyFigure(m["frechet"], m["frechet_noise"], m["frechet_floor"]),
        "recall": KeyFigure(m["recall"], None, m["recall_real"]),
        "nearest_train_mse": KeyFigure(m["nearest_train_mse"], None, m["nearest_train_mse_real"]),
    }


def declared(stage: Stage) -> Figures:
    """The key figures in a stage's own metrics: key_figures -> name -> {here, baseline, real}."""
    return {name: KeyFigure(**values) for name, values in stage.metrics.get("key_figures", {}).items()}


MEASURES: dict[str, Callable[[Stage, Stages], Figures]] = {
    "setup": setup,
    "one_step_denoising": one_step_denoising,
    "iterative_denoising": iterative_denoising,
    "sampling": sampling,
    "guidance": guidance,
    "sdedit": edits,
    "edit_images": edits,
    "text_sdedit": edits,
    "masked_sdedit": masked_sdedit,
    "inpainting": inpainting,
    "visual_anagrams": readings,
    "hybrid_images": readings,
    "multi_view_anagrams": readings,
    "factorized_images": readings,
    "samplers": samplers,
    "train_denoiser": training,
    "train_time_unet": training,
    "train_class_unet": training,
    "ood_sigma": ood_sigma,
    "judge": judge,
    "sample_time_unet": digits,
    "sample_class_unet": digits,
}


def key_figures(stages: Stages) -> Figures:
    """The key figures of the given stages, by name: STAGE_MEASURE. Raises UserError if a number is missing."""
    found: Figures = {}
    for name, stage in stages.items():
        if name not in MEASURES and f"metrics/{name}.json" in stage.paths:
            found |= {f"{name}_{key}": figure for key, figure in declared(stage).items()}
    for name, measure in MEASURES.items():
        if name in stages:
            try:
                figures = measure(stages[name], stages)
                for key, figure in figures.items():
                    if not isinstance(figure.here, int | float):
                        raise TypeError(f"{key} is {figure.here!r}")
                    found[f"{name}_{key}"] = figure
            except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
                what = (
                    f"no {error} in it"
                    if isinstance(error, KeyError)
                    else f"not the stage's numbers ({error})"
                )
                raise UserError(f"metrics/{name}.json: {what}; `dvc repro` makes it") from None
    return found
