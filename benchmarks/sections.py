"""The stages' params that the bench measures with, from params.yaml."""

from __future__ import annotations

from pydantic import Field

from fundiff.pictures.masks import MaskedPicture
from fundiff.pipeline.params import Named, S, inherited, read_params, validate
from fundiff.techniques.inpainting import Resample
from fundiff.techniques.settings import Guided


class Sampled(Guided):
    """The keys of section `guidance` that the bench uses."""

    prompt: str = Field(description="what is drawn")


class Inpainted(Guided):
    """The keys of section `inpainting` that the bench uses."""

    examples: Named[MaskedPicture]
    resample: Resample


def params_of(kind: type[S], stage: str) -> S:
    """The keys of a stage's section that `kind` knows, with those it inherits. Raises UserError for a wrong value."""
    sections = read_params()
    own = {key: value for key, value in (sections.get(stage) or {}).items() if key in kind.model_fields}
    return validate(kind, stage, inherited(kind, sections) | own)
