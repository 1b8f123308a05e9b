"""What `make repro` checks before DVC starts: that the folder is a git repository, and that DVC's own files are intact.

DVC rewrites dvc.lock after every stage. A kill at that moment leaves an incomplete file, and DVC's error message is long.
The files in DVC's cache are read-only, and DVC trusts them: it would use a file that a failing disk has changed.
"""

from __future__ import annotations

import hashlib
import re
import sys
from pathlib import Path
from typing import Any

from fundiff.pipeline.errors import UserError
from fundiff.pipeline.params import read_yaml
from fundiff.pipeline.stage import PIPELINES


def read_lock(path: Path) -> dict[str, Any]:
    """The stages of a dvc.lock by name, {} if the file does not exist. Raises UserError if it is incomplete."""
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
    """The stages in all dvc.lock files of the project in `root`, by name. Raises UserError if one is incomplete."""
    paths = [(root / pipeline).with_suffix(".lock") for pipeline in PIPELINES]
    return {name: stage for path in paths for name, stage in read_lock(path).items()}


def in_git(folder: Path) -> None:
    """Raises UserError if the folder is not in a git repository, for example after unpacking a ZIP: DVC needs one."""
    if not any((parent / ".git").exists() for parent in (folder, *folder.parents)):
        raise UserError(f"{folder}: not in a git repository, which DVC needs; run `git init` here, or clone")


def without_damaged(cache: Path) -> list[Path]:
    """Remove the files of DVC's cache whose MD5 differs from their name, and return them; DVC then makes them again."""
    damaged = []
    for path in sorted((cache / "files/md5").glob("??/*")):
        named = path.parent.name + path.name.removesuffix(".dir")
        # DVC's own temporary files are in the same folders; their names are no MD5.
        if re.fullmatch("[0-9a-f]{32}", named) and md5(path) != named:
            path.unlink()
            damaged.append(path)
    return damaged


def md5(path: Path) -> str:
    """The MD5 of a file in hex, by which DVC names it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


if __name__ == "__main__":
    try:
        in_git(Path.cwd())
        read_locks(Path())
        for damaged in without_damaged(Path(".dvc/cache")):
            print(f"{damaged}: damaged, and removed; what it held is made anew", file=sys.stderr)
    except UserError as error:
        sys.exit(str(error))
