import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fundiff.pipeline import workers
from fundiff.pipeline.errors import UserError


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A temporary sibling to write a file or folder to; takes the place of `path` only when the block succeeds.

    Of several processes, which all have the same to write, the first does; what the others write goes nowhere.
    """
    path = Path(path)
    if not workers.leads():
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder) / path.name
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        yield temporary
        if path.is_dir():
            shutil.rmtree(path)
        temporary.replace(path)
    finally:
        if temporary.is_dir():
            shutil.rmtree(temporary)
        temporary.unlink(missing_ok=True)


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
