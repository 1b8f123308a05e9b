"""A text-to-image prior for the loop: its UNet as a function (x_t, t, embeddings) -> Estimate, its path, its scheduler."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from fundiff.pipeline.errors import UserError
from fundiff.pipeline.runtime import PRECISIONS, Runtime
from fundiff.prior.hub import Pinned, access, folder_of
from fundiff.prior.packed import packed
from fundiff.prior.plain_unet import is_plain, load_plain_unet
from fundiff.prior.schedules import FIXED_VARIANCES, PREDICTIONS, Schedule, load_scheduler
from fundiff.process.paths import VariancePreserving
from fundiff.process.predictions import EpsPrediction
from fundiff.sampling.estimate import Estimate
from fundiff.sampling.steps import Step, ancestral, scheduler

DTYPES = {"auto": torch.float32, "fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True)
class PixelPrior:
    """A UNet with its path and schedule. It returns eps, whatever the network was trained to predict.

    `scheduler` loads diffusers' scheduler; only some techniques use its step or the spacing of its timesteps.
    """

    unet: nn.Module
    schedule: Schedule
    path: VariancePreserving
    scheduler: Callable[[], Any]
    device: str
    dtype: torch.dtype
    autocast: Callable[[], AbstractContextManager]

    @property
    def size(self) -> int:
        """Side of its pictures in pixels."""
        return self.unet.config.sample_size  # type: ignore[union-attr, return-value]

    @property
    def process(self) -> EpsPrediction[VariancePreserving]:
        """Its path, with eps as the prediction."""
        return EpsPrediction(self.path)

    def step(self, name: str) -> Step:
        """The course's step, or the scheduler's own, which may also bound x_0."""
        return {"course": ancestral, "scheduler": self.scheduler_step}[name](self.process)

    def scheduler_step(self, process: EpsPrediction[VariancePreserving]) -> Step:
        """The step of diffusers' scheduler."""
        return scheduler(process, self.scheduler())

    def spaced(self, steps: int) -> list[int]:
        """The scheduler's timesteps for num_inference_steps, then -1 (the clean picture). Raises UserError for more than T."""
        if steps > len(self.path):
            raise UserError(
                f"params.yaml: {steps} steps; the model was trained on {len(self.path)} timesteps"
            )
        ddpm = self.scheduler()
        ddpm.set_timesteps(steps)
        return [*ddpm.timesteps.tolist(), -1]

    @property
    def prediction_type(self) -> str:
        """What the network predicts: a key of `PREDICTIONS`."""
        return self.schedule.prediction_type

    def __call__(
        self, x_t: Tensor, t: float, embeddings: Tensor, low: Tensor | None = None, noise_level: int = 0
    ) -> Estimate:
        """Estimate for x_t `[B, 3, S, S]` at t and embeddings `[B, 77, C]`; a fixed variance becomes v = -1 or 1.

        A second stage also takes `low` `[B, 3, S, S]`: the small picture, resized and noised to `noise_level`.
        """
        predicted, v = self.predict(x_t, t, embeddings, low, noise_level)
        fixed = FIXED_VARIANCES.get(self.schedule.variance_type)
        if v is None or fixed is not None:
            v = torch.full_like(predicted, -1.0 if fixed is None else fixed)
        return Estimate(PREDICTIONS[self.prediction_type](self.path).eps(x_t, t, predicted), v)

    @torch.no_grad()
    def predict(
        self, x_t: Tensor, t: float, embeddings: Tensor, low: Tensor | None = None, noise_level: int = 0
    ) -> tuple[Tensor, Tensor | None]:
        """The network's prediction `[B, 3, S, S]`, and v if it has six channels, else None; t may be fractional."""
        seen = x_t if low is None else torch.cat([x_t, low], 1)
        labels = None if low is None else torch.full((len(x_t),), noise_level, device=self.device)
        with self.autocast():
            (out,) = self.unet(
                seen.to(self.dtype),
                t,
                encoder_hidden_states=embeddings.to(self.device, self.dtype),
                class_labels=labels,
                return_dict=False,
            )
        out = out.float()
        return out.chunk(2, 1) if out.shape[1] == 2 * x_t.shape[1] else (out, None)


def unet_class(name: str) -> type:
    """The diffusers class that unet/config.json names. Raises UserError for any other class."""
    from diffusers import UNet2DConditionModel

    if name == "ShuffledUNet2DConditionModel":
        from fundiff.prior.shuffled_unet import ShuffledUNet2DConditionModel

        return ShuffledUNet2DConditionModel
    if name != "UNet2DConditionModel":
        raise UserError(
            f"unet/config.json: {name} is no UNet of a pixel model; expected UNet2DConditionModel"
        )
    return UNet2DConditionModel


def diffusers_unet(
    folder: Path, variant: str | None, dtype: torch.dtype, name: str
) -> tuple[nn.Module, list[str]]:
    """A UNet of the diffusers class `name` with the folder's weights, and the names of those that are missing."""
    unet, found = unet_class(name).from_pretrained(  # type: ignore[attr-defined]
        folder,
        subfolder="unet",
        variant=variant,
        torch_dtype=dtype,
        use_safetensors=True,
        output_loading_info=True,
    )
    return unet, found["missing_keys"]


def load_unet(
    folder: Path, name: str, variant: str | None, dtype: torch.dtype, plain: bool = True
) -> nn.Module:
    """A prior's UNet in eval mode, from safetensors. plain = False: always of its diffusers class, which pipelines need.

    Raises UserError for a class, weights or a config that cannot be loaded.
    """
    with access(name):
        config = json.loads((folder / "unet" / "config.json").read_text(encoding="utf-8"))
        weights = folder / "unet" / f"diffusion_pytorch_model{f'.{variant}' if variant else ''}.safetensors"
        unet: nn.Module
        if plain and is_plain(config) and weights.is_file():
            unet, missing = load_plain_unet(config, weights, dtype)
        else:
            unet, missing = diffusers_unet(folder, variant, dtype, config.get("_class_name", "no class"))
    if missing:
        raise UserError(
            f"model {name!r}: its UNet lacks {len(missing)} weights, as {missing[0]}; get it again"
        )
    return unet.eval()


def placed(module: nn.Module, model: Pinned, runtime: Runtime) -> nn.Module:
    """The module on the device, or with offload streamed to it layer by layer. Raises UserError for offload without a GPU."""
    if not model.offload:
        return runtime.place(module)
    if runtime.device == "cpu":
        raise UserError("model.offload is true, but this machine has no accelerator; set model.offload=false")
    from accelerate import cpu_offload

    return cpu_offload(module, torch.device(runtime.device))


def load_pixel_prior(model: Pinned, runtime: Runtime) -> PixelPrior:
    """The UNet and the schedule of the prior that the manifest names. Raises UserError."""
    dtype, folder = DTYPES[model.precision], folder_of(model.name, model.variant, model.revision)
    unet = load_unet(folder, model.name, model.variant, dtype)
    unet = placed(unet.requires_grad_(False), model, runtime)
    auto = model.precision == "auto"
    if runtime.device == "cpu":
        unet = packed(unet, PRECISIONS[runtime.precision] if auto else dtype)
    autocast = runtime.autocast if auto else nullcontext
    ddpm = cache(partial(load_scheduler, folder))
    return PixelPrior(unet, model.schedule, model.schedule.path, ddpm, runtime.device, dtype, autocast)
