"""Access to params.yaml."""

import importlib
from typing import Any

from fundiff.pipeline.params import load_section
from fundiff.pipeline.stage import stage_names


def params_of(stage: str) -> Any:
    """The stage's section of params.yaml."""
    return load_section(importlib.import_module(f"stages.{stage}").Params, stage, stage_names())
