"""A prior's files: a folder in the layout of diffusers' IF, or a hub id pinned to one revision."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import Field

from fundiff.pipeline.errors import UserError
from fundiff.pipeline.files import digest
from fundiff.pipeline.params import Section
from fundiff.prior.schedules import Schedule, load_scheduler, schedule_of

COMPONENTS = ("scheduler", "text_encoder", "tokenizer", "unet")


class Model(Section):
    """Params of stage `model`: which prior, and how its weights are loaded."""

    name: str = Field(
        min_length=1, description="a folder or a hub id, in the layout of diffusers' IFPipeline"
    )
    variant: str | None = Field(description="fp16 to load *.fp16.safetensors")
    precision: str = Field(
        pattern="^(auto|fp32|bf16|fp16)$",
        description="auto: fp32 weights, computed in bf16 on hardware with instructions for it",
    )
    offload: bool = Field(description="keep the weights in memory and stream them to the accelerator")
    stage_ii: str | None = Field(
        description="a prior in the layout of IFSuperResolutionPipeline that enlarges 4 times"
    )


class Pinned(Model):
    """The manifest that stage `model` writes: its params, the hub revisions, the files' hashes, T and the noise levels."""

    revision: str | None
    stage_ii_revision: str | None
    timesteps: int = Field(ge=2, description="T: how many timesteps it was trained on")
    files: dict[str, str]
    schedule: Schedule


@contextmanager
def access(name: str) -> Iterator[None]:
    """Turns an error in the loading of a prior into a UserError with what is missing and how to get it."""
    try:
        yield
    except (UserError, MemoryError):
        raise
    except Exception as error:  # libraries raise many kinds of errors for a bad folder
        reason = (" ".join(str(error).split()) or type(error).__name__)[:160]
        keys = "model.name, model.stage_ii and model.variant"
        advice = f"check {keys} in params.yaml; of weights, only *.safetensors are loaded"
        # A hub id is owner/name; models/NAME is more likely a mistyped folder.
        if not Path(name).exists() and name.count("/") == 1 and not name.startswith((".", "models/")):
            access_page = f"accept its licence at huggingface.co/{name}"
            advice = f"{access_page}, log in with `hf auth login` or set HF_TOKEN, and unset HF_HUB_OFFLINE"
        raise UserError(f"model {name!r} cannot be loaded ({reason}); {advice}") from None


def patterns(variant: str | None) -> list[str]:
    """Patterns of the files to download: no safety checker, one variant's weights."""
    kinds = ["*.json", "*.model", "*.txt", f"*.{variant}*.safetensors" if variant else "*.safetensors"]
    parts = (*COMPONENTS, "image_noising_scheduler")
    return ["model_index.json", *(f"{part}/{kind}" for part in parts for kind in kinds)]


def folder_of(
    name: str, variant: str | None = None, revision: str | None = None, fetch: bool = False
) -> Path:
    """The folder of a prior; with `fetch` a hub id is downloaded first. Raises UserError without access."""
    if Path(name).is_dir():
        return Path(name)
    from huggingface_hub import snapshot_download

    with access(name):
        return Path(
            snapshot_download(
                name,
                revision=revision,
                local_files_only=not fetch,
                allow_patterns=patterns(variant),
                ignore_patterns=None if variant else ["*.fp16*"],
            )
        )


def pin(model: Model) -> Pinned:
    """The model with its hub revisions, the SHA-256 of its files, and its schedule. Raises UserError if it cannot be read."""
    revisions: dict[str, str | None] = {}
    files: dict[str, str] = {}
    for key, name in (("revision", model.name), ("stage_ii_revision", model.stage_ii)):
        revisions[key] = None
        if name is None:
            continue
        folder = folder_of(name, model.variant, fetch=True)
        if not (folder / "unet" / "config.json").is_file():
            raise UserError(
                f"model {name!r} has no unet/config.json; expected the layout of diffusers' IFPipeline"
            )
        if not Path(name).is_dir():
            revisions[key] = folder.name
        for path in sorted(p for part in COMPONENTS for p in (folder / part).rglob("*") if p.is_file()):
            files[f"{name}/{path.relative_to(folder).as_posix()}"] = digest(path)
    with access(model.name):
        ddpm = load_scheduler(folder_of(model.name, model.variant, revisions["revision"]))
    schedule = schedule_of(model.name, ddpm)
    told = {"files": files, "timesteps": len(schedule.alphas_cumprod), "schedule": schedule}
    return Pinned.model_validate(model.model_dump() | revisions | told)


def load_pinned(path: str | Path) -> Pinned:
    """The manifest at `path`. Raises UserError if it is missing or unreadable."""
    try:
        return Pinned.model_validate(json.loads(Path(path).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        raise UserError(f"{path}: missing or unreadable; run `dvc repro model`") from None
