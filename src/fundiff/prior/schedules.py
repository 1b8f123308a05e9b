"""What the loop needs from a prior's diffusers scheduler. The manifest stores it, so no stage imports diffusers for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from fundiff.pipeline.errors import UserError
from fundiff.pipeline.params import Section
from fundiff.process.paths import VariancePreserving
from fundiff.process.predictions import EpsPrediction, Process, SamplePrediction, VelocityPrediction

# prediction_type of diffusers' schedulers -> what the network predicts.
PREDICTIONS: dict[str, type[Process]] = {
    "epsilon": EpsPrediction,
    "v_prediction": VelocityPrediction,
    "sample": SamplePrediction,
}
# v places the variance between the posterior's (-1) and beta (1); a fixed variance is one of the two.
FIXED_VARIANCES = {"fixed_small": -1.0, "fixed_large": 1.0}


class Schedule(Section):
    """A scheduler's noise levels abar_t for t = 0..T-1, what its network predicts, and its kind of variance."""

    prediction_type: str
    variance_type: str
    alphas_cumprod: list[float]

    @property
    def path(self) -> VariancePreserving:
        """The path of these noise levels."""
        return VariancePreserving(torch.tensor(self.alphas_cumprod))


def load_scheduler(folder: Path, subfolder: str = "scheduler") -> Any:
    """diffusers' DDPMScheduler of a prior's folder."""
    from diffusers import DDPMScheduler

    return DDPMScheduler.from_pretrained(folder, subfolder=subfolder)


def schedule_of(name: str, ddpm: Any) -> Schedule:
    """The schedule of a DDPMScheduler. Raises UserError for a variance or a prediction that no step here can use."""
    usable = {"variance_type": ("learned_range", *FIXED_VARIANCES), "prediction_type": PREDICTIONS}
    for setting, values in usable.items():
        if ddpm.config[setting] not in values:
            raise UserError(f"model {name!r}: {setting} {ddpm.config[setting]!r} is not supported")
    return Schedule(
        prediction_type=ddpm.config.prediction_type,
        variance_type=ddpm.config.variance_type,
        alphas_cumprod=ddpm.alphas_cumprod.float().tolist(),
    )
