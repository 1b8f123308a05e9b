"""Content hashes of the files that params name: masks, pictures, permutations, folders of a prior or a critic.

DVC compares the values in params.yaml, not the files that they name. Stage `inputs` always runs and writes the hashes to
data/inputs/SECTION.json. If a named file changes, its hash there changes, and DVC reruns the stages that depend on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fundiff.pipeline.errors import UserError
from fundiff.pipeline.files import digest, digests

FOLDERS = {
    "model": ("name", "stage_ii"),
    "critic": ("name",),
}  # keys that may name a folder, or a hub id


def named(value: Any) -> Iterator[str]:
    """The files that a section names: the value of every `file:`, and every .npy permutation in a `view:`."""
    if isinstance(value, list):
        for item in value:
            yield from named(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key == "file" and isinstance(item, str):
                yield item
            elif key == "view" and isinstance(item, str):
                yield from (view for view in item.split(" then ") if view.endswith(".npy"))
            else:
                yield from named(item)


def hashed(path: str, section: str) -> str:
    """The content hash of a file. Raises UserError if it cannot be read."""
    try:
        return digest(path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(
            f"params.yaml: {section} names {path!r}, which cannot be read ({reason}); "
            "give a file's path from the project's root, and `git add` it for queued and --temp experiments"
        ) from None


def named_files(sections: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Section -> path -> content hash of the files and folders that it names. Sections without any are left out."""
    found: dict[str, dict[str, Any]] = {}
    for name, section in sections.items():
        files: dict[str, Any] = {path: hashed(path, name) for path in named(section)}
        for key in FOLDERS.get(name, ()):
            value = section.get(key) if isinstance(section, dict) else None
            if isinstance(value, str) and Path(value).is_dir():
                files[value] = digests(Path(value))
        if files:
            found[name] = files
    return found
