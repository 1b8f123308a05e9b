"""The entries of all stages in the project's dvc.yaml files, and functions that write such files to a test's project."""

import shutil
from pathlib import Path
from typing import Any

import yaml

from fundiff.pipeline.stage import PIPELINES, stage_entries

ROOT = Path(__file__).resolve().parents[1]
ENTRIES = stage_entries(ROOT)


def made_by(entry: dict[str, Any]) -> list[str]:
    """The paths that a stage makes."""
    items = [item for kind in ("outs", "metrics", "plots") for item in entry.get(kind, [])]
    return [item if isinstance(item, str) else next(iter(item)) for item in items]


def write_entries(folder: Path, entries: dict[str, Any]) -> None:
    """Write the entries as the first of a project's dvc.yaml files, and the others without a stage."""
    for pipeline, stages in zip(PIPELINES, [entries, *[{}] * len(PIPELINES)], strict=False):
        path = folder / pipeline
        path.parent.mkdir(exist_ok=True)
        path.write_text(yaml.safe_dump({"stages": stages}, sort_keys=False), encoding="utf-8")


def copy_pipelines(folder: Path) -> None:
    """Copy the project's dvc.yaml files to the folder of another project."""
    for pipeline in PIPELINES:
        (folder / pipeline).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / pipeline, folder / pipeline)
