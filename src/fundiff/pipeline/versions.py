"""Versions of Python and of the packages on which results depend. Metrics files record them; the report compares them."""

from __future__ import annotations

import json
import platform
from importlib import metadata
from pathlib import Path

from fundiff.pipeline.files import write_json

PACKAGES = (
    "torch",
    "torchvision",
    "diffusers",
    "transformers",
    "numpy",
    "pandas",
    "matplotlib",
    "pillow",
    "scikit-image",
    "resvg_py",
)


def versions() -> dict[str, str]:
    """The installed version of Python and of each package; those that are not installed are left out."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def record_versions(path: Path) -> None:
    """Add the installed versions to a stage's numbers as `versions`; does nothing if the file is not a JSON object."""
    try:
        numbers = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    if isinstance(numbers, dict):
        write_json(path, numbers | {"versions": versions()})
