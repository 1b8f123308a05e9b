import hashlib
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from fundiff.pipeline import workers
from fundiff.pipeline.errors import UserError


def removed(path: Path) -> None:
    """Remove a file or a folder if it exists."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def swept(path: Path) -> None:
    """Remove the temporary files that killed processes left beside `path`.

    If a kill came between the two renames of `replacing`, the former content gets its name back.
    """
    for left in path.parent.glob(f".*.{path.name}*"):
        named = re.fullmatch(rf"\.(\d+)\.{re.escape(path.name)}(\.old)?", left.name)
        if not named or (int(named[1]) != os.getpid() and psutil.pid_exists(int(named[1]))):
            continue
        if named[2] and not path.exists():
            left.replace(path)
        removed(left)


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A temporary path beside `path` to write a file or folder to; it takes the place of `path` if the block succeeds.

    A kill at any moment loses neither the old content nor the new: the next call finds what is left (`swept`). Where several
    processes share a stage, only the first writes to `path`; the others write to a folder that is deleted.
    """
    path = Path(path)
    if not workers.leads():
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder) / path.name
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    swept(path)
    temporary = path.with_name(f".{os.getpid()}.{path.name}")
    aside = path.with_name(f"{temporary.name}.old")
    try:
        yield temporary
        if path.exists() and (path.is_dir() or temporary.is_dir()):
            path.replace(aside)  # only a file can replace a file in one step
        temporary.replace(path)
    finally:
        removed(temporary)
        removed(aside)


def digest(path: str | Path) -> str:
    """Hex SHA-256 of a file of any size."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digests(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file in a folder and below, by its path from the folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): digest(path) for path in files}


def write_json(path: str | Path, value: Any) -> None:
    """Write JSON with sorted keys and a final newline, so that equal values are equal bytes."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def save_checkpoint(path: str | Path, state: dict[str, Any]) -> None:
    """Save the state of a training. If a kill interrupts this, the previous checkpoint remains."""
    import torch

    with replacing(path) as temporary:
        torch.save(state, temporary)


def load_checkpoint(path: str | Path) -> dict[str, Any] | None:
    """The state saved at `path`, on the CPU; None if there is no file. Raises UserError if it is unreadable."""
    import torch

    if not Path(path).exists():
        return None
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise UserError(
            f"{path}: not a readable checkpoint ({type(error).__name__}); delete it to start anew"
        ) from None


def forget(state: Path, days: int = 14) -> None:
    """Remove the folder of a finished training's checkpoint, and those beside it that are unchanged for `days` days."""
    removed(state)
    for other in state.parent.iterdir() if state.parent.is_dir() else ():
        # Every epoch replaces a file in the folder, which sets its time; another training may write at this moment.
        if other.stat().st_mtime < time.time() - 86400 * days:
            removed(other)
