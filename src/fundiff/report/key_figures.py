"""The key figures: a few numbers of each stage, each beside what little does and what real data give.

They are what DVC calls metrics, and what the report begins with; everything else that a stage measured is in its
own file in metrics/.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

from fundiff.pipeline.errors import UserError
from fundiff.report.results import Stage


@dataclass(frozen=True)
class KeyFigure:
    """A number; what little does (blur, noise, guessing, other prompts); what real data give. None: no such thing."""

    here: float
    baseline: float | None = None
    real: float | None = None

    def numbers(self) -> dict[str, float]:
        """What there is, to five places."""
        return {name: round(value, 5) for name, value in asdict(self).items() if value is not None}


Figures = dict[str, KeyFigure]
Stages = Mapping[str, Stage]


def fit(rows: Iterable[dict[str, Any]]) -> Figures:
    """The pictures' alignment with their prompts, beside that with all others."""
    rows = list(rows)
    wrong = fmean(row["wrong_prompts"] for row in rows)
    return {"alignment": KeyFigure(fmean(row["own_prompt"] for row in rows), wrong)}


def pictures(stage: Stage) -> list[dict[str, Any]]:
    """What was measured of each picture, what was noted of the whole stage left out."""
    return [row for row in stage.metrics.values() if isinstance(row, dict)]


def setup(stage: Stage, stages: Stages) -> Figures:
    """At the most steps."""
    return fit(stage.metrics["alignment"][f"{max(stage.params['num_inference_steps'])}_steps"].values())


def one_step_denoising(stage: Stage, stages: Stages) -> Figures:
    """At the middle timestep, beside the best blur there."""
    times = stage.params["timesteps"]
    t = str(times[len(times) // 2])
    blur = stages["gaussian_denoising"].metrics["t"].get(t) if "gaussian_denoising" in stages else None
    return {"psnr": KeyFigure(stage.metrics["t"][t]["psnr"], blur["psnr"] if blur else None)}


def iterative_denoising(stage: Stage, stages: Stages) -> Figures:
    """Beside the best blur."""
    return {"psnr": KeyFigure(stage.metrics["iterative"]["psnr"], stage.metrics["blurred"]["psnr"])}


def sampling(stage: Stage, stages: Stages) -> Figures:
    """Of all samples."""
    return fit([stage.metrics["alignment"]])


def guidance(stage: Stage, stages: Stages) -> Figures:
    """At the stage's own scale; the sweep beside it is in the stage's numbers."""
    row = stage.metrics["guidance"][f"{stage.params['guidance_scale']:g}"]
    return fit([row["alignment"]]) | {"spread": KeyFigure(row["spread"])}


def edits(stage: Stage, stages: Stages) -> Figures:
    """Mean over all pictures and levels."""
    levels = stage.metrics["alignment_per_level"].values()
    return {"alignment": KeyFigure(fmean(value for row in levels for value in row.values()))}


def masked_sdedit(stage: Stage, stages: Stages) -> Figures:
    """Mean over all pictures and levels."""
    levels = [row["alignment_per_level"] for row in pictures(stage)]
    return {"alignment": KeyFigure(fmean(value for row in levels for value in row.values()))}


def inpainting(stage: Stage, stages: Stages) -> Figures:
    """The seam, beside the course's plain rule and the original."""
    rows = [row for row in pictures(stage) if "seam" in row]
    plain, here = ([list(row["seam"].values())[i] for row in rows] for i in (0, -1))
    real = fmean(row["seam_of_original"] for row in rows)
    return {"seam": KeyFigure(fmean(here), fmean(plain), real)} | fit(row["alignment"] for row in rows)


def readings(stage: Stage, stages: Stages) -> Figures:
    """Of every picture that reads in several ways, the way that reads worst, beside prompts drawn at random."""
    rows = pictures(stage)
    worst, random = (fmean(row[key] for row in rows) for key in ("alignment", "alignment_random"))
    return {"alignment": KeyFigure(worst, random)}


def samplers(stage: Stage, stages: Stages) -> Figures:
    """The best sampler at the fewest UNet calls."""
    calls = f"{min(stage.params['calls'])}_calls"
    rows = [row[calls] for row in stage.metrics["alignment"].values()]
    return fit([max(rows, key=lambda row: row["own_prompt"])])


def ood_sigma(stage: Stage, stages: Stages) -> Figures:
    """At the noise that the denoiser was trained on, beside the best blur."""
    row = stage.metrics.get(f"{stages['train_denoiser'].params['sigma']:g}")
    return {"psnr_at_trained_sigma": KeyFigure(row["psnr"], row["gaussian_psnr"])} if row else {}


def training(stage: Stage, stages: Stages) -> Figures:
    """On the digits held out for the curves."""
    return {"held_out_loss": KeyFigure(stage.metrics["validation_loss"])}


def judge(stage: Stage, stages: Stages) -> Figures:
    """On the digits held out for the scores."""
    return {"accuracy": KeyFigure(stage.metrics["held_out_accuracy"], 0.1)}


def digits(stage: Stage, stages: Stages) -> Figures:
    """How near the samples come to real digits, and how near to a copy."""
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
    """What a stage's own numbers declare: key_figures -> name -> {here, baseline, real}."""
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
    """The key figures of the stages that are there, by name: STAGE_MEASURE. Raises UserError for a missing number."""
    found: Figures = {}
    for name, stage in stages.items():
        if name not in MEASURES and f"metrics/{name}.json" in stage.paths:
            found |= {f"{name}_{key}": figure for key, figure in declared(stage).items()}
    for name, measure in MEASURES.items():
        if name in stages:
            try:
                found |= {f"{name}_{key}": figure for key, figure in measure(stages[name], stages).items()}
            except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
                what = (
                    f"no {error} in it"
                    if isinstance(error, KeyError)
                    else f"not the stage's numbers ({error})"
                )
                raise UserError(f"metrics/{name}.json: {what}; `dvc repro` makes it") from None
    return found
