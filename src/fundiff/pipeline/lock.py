"""Check of the dvc.lock files: a kill while DVC writes one cuts it, and DVC's own error is long.

`make repro` runs `python -m fundiff.pipeline.lock` first, which reports a cut file in one line.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from fundiff.pipeline.errors import UserError
from fundiff.pipeline.params import read_yaml
from fundiff.pipeline.stage import PIPELINES


def read_lock(path: Path) -> dict[str, Any]:
    """The stages of a dvc.lock by name, {} if the file does not exist. Raises UserError if it was cut."""
    if not path.exists():
        return {}
    advice = f"`git checkout {path.as_posix()}` brings the last whole one back, and the run cache the work"
    try:
        stages: Any = read_yaml(path).get("stages")
    except UserError as error:
        raise UserError(f"{error}; {advice}") from None
    whole = isinstance(stages, dict) and all(isinstance(s, dict) and "cmd" in s for s in stages.values())
    if not whole:
        raise UserError(f"{path}: cut in the middle of a stage; {advice}")
    return stages


def read_locks(root: Path) -> dict[str, Any]:
    """The stages in all dvc.lock files of the project in `root`, by name. Raises UserError if one was cut."""
    paths = [(root / pipeline).with_suffix(".lock") for pipeline in PIPELINES]
    return {name: stage for path in paths for name, stage in read_lock(path).items()}


if __name__ == "__main__":
    try:
        read_locks(Path())
    except UserError as error:
        sys.exit(str(error))
