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
    """Remove a file or a folder, where there is one."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def swept(path: Path) -> None:
    """Remove what processes that are no more left beside `path`; what one had set aside and not replaced comes back."""
    for left in path.parent.glob(f".*.{path.name}*"):
        named = re.fullmatch(rf"\.(\d+)\.{re.escape(path.name)}(\.old)?", left.name)
        if not named or (int(named[1]) != os.getpid() and psutil.pid_exists(int(named[1]))):
            continue
        if named[2] and not path.exists():
            left.replace(path)
        removed(left)


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A temporary sibling to write a file or folder to; takes the place of `path` only when the block succeeds.

    A kill at any moment leaves the old one or the new one whole, under its name or one that the next call knows.
    Of several processes, which all have the same to write, the first does; what the others write goes nowhere.
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
            path.replace(aside)  # a file takes another's place, and nothing else does
        temporary.replace(path)
    finally:
        removed(temporary)
        removed(aside)


def digest(path: str | Path) -> str:
    """Hex SHA-256 of a file of any size."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digests(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file below a folder, by its path in it."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): digest(path) for path in files}


def write_json(path: str | Path, value: Any) -> None:
    """Write JSON with sorted keys and a final newline, so that equal values are equal bytes."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def save_checkpoint(path: str | Path, state: dict[str, Any]) -> None:
    """Save the state of a training, whole or not at all: a kill at any moment leaves the former checkpoint."""
    import torch

    with replacing(path) as temporary:
        torch.save(state, temporary)


def load_checkpoint(path: str | Path) -> dict[str, Any] | None:
    """The state saved at `path`, on the CPU, or None where there is none. Raises UserError if it is unreadable."""
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
    """Remove the state of a training that has left all its outs, and those beside it that no one has touched for days."""
    removed(state)
    for other in state.parent.iterdir() if state.parent.is_dir() else ():
        newest = max((path.stat().st_mtime for path in [other, *other.rglob("*")]), default=0)
        if newest < time.time() - 86400 * days:
            removed(other)
