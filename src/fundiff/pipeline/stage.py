"""What every stage does: read its params, do its work, print what it read and wrote, report an error in one line."""

from __future__ import annotations

import errno
import gc
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from fundiff.pipeline import workers
from fundiff.pipeline.errors import UserError
from fundiff.pipeline.machine import peak_memory
from fundiff.pipeline.params import BASE, S, load_section, read_yaml
from fundiff.pipeline.versions import record_versions

# The files with the project's stages; prior/dvc.yaml is a pipeline of its own.
PIPELINES = ("dvc.yaml", "part_a/dvc.yaml", "beyond/dvc.yaml", "flow/dvc.yaml", "digits/dvc.yaml")
PART_B = PIPELINES[-1]


def stage_names(folder: str | Path = "stages") -> list[str]:
    """The names of all stages, sorted."""
    return sorted(path.stem for path in Path(folder).glob("[a-z]*.py"))


def stage_entries(root: str | Path = "", pipelines: Sequence[str] = PIPELINES) -> dict[str, dict[str, Any]]:
    """The entry of every stage in the dvc.yaml files of the project in `root`, by name. Raises UserError if a file is missing."""
    return {
        name: entry
        for pipeline in pipelines
        for name, entry in (read_yaml(Path(root) / pipeline).get("stages") or {}).items()
    }


def targets() -> dict[str, str]:
    """Every stage's name -> how DVC's commands address it: report, digits/dvc.yaml:judge."""
    return {
        name: name if pipeline == PIPELINES[0] else f"{pipeline}:{name}"
        for pipeline in PIPELINES
        for name in stage_entries(pipelines=[pipeline])
    }


def target_of(name: str) -> str:
    """A stage as DVC's commands address it; a name that is not a stage is returned unchanged."""
    return targets().get(name, name)


def entry_of(name: str, pipelines: Sequence[str] = PIPELINES) -> dict[str, Any]:
    """The stage's entry in one of the dvc.yaml files. Raises UserError if it has none."""
    entries = stage_entries(pipelines=pipelines)
    if name not in entries:
        known = " or ".join(pipelines)
        raise UserError(f"{known}: no stage {name!r}; say there what stages/{name}.py reads and writes")
    return entries[name]


def inheritable_keys() -> set[str]:
    """The keys of `base` in params.yaml that a stage inherits, as the dvc.yaml files say."""
    read = [key for entry in stage_entries().values() for key in entry.get("params", [])]
    return {key.removeprefix(f"{BASE}.") for key in read if str(key).startswith(f"{BASE}.")}


def listed(paths: list[str]) -> str:
    """Up to five paths, or how many there are."""
    return ", ".join(paths) if len(paths) <= 5 else f"{len(paths)} files"


def files(entry: dict[str, Any], *kinds: str) -> list[str]:
    """Paths of a dvc.yaml entry under the given keys (deps, outs, metrics, plots), without *.py files."""
    items = [item for kind in kinds for item in entry.get(kind, [])]
    paths = [item if isinstance(item, str) else next(iter(item)) for item in items]
    return [path for path in paths if not path.endswith(".py") and not path.startswith("src/")]


def without_inputs(found: dict[str, Any], outs: list[str]) -> None:
    """Raises UserError if a section names a file but stage `inputs` has no out for it: DVC would not see its changes."""
    for name in found:
        if f"data/inputs/{name}.json" not in outs:
            raise UserError(
                f"params.yaml: {name} names a file; add data/inputs/{name}.json to the outs of `inputs` in dvc.yaml "
                f"and to the deps of {name}"
            )


def from_outside(error: Exception) -> str:
    """What failed if the cause is the machine (memory, disk, permissions), and what to do; "" for an error of the program."""
    text, number = str(error).lower(), getattr(error, "errno", None)
    if isinstance(error, MemoryError) or "out of memory" in text or "not enough memory" in text:
        return "not enough memory; ask for fewer samples, or set model.precision=fp16 and model.offload=true"
    # "inline_container" is in the message of torch.save on a full disk.
    if number in (errno.ENOSPC, errno.EDQUOT) or "no space left" in text or "inline_container" in text:
        return "the disk is full; make room and run it again"
    if "does not have a deterministic implementation" in text:
        operation = str(error).split()[0]
        return (
            f"the GPU has no deterministic way to compute {operation}; set FUNDIFF_DEVICE=cpu for this stage"
        )
    if isinstance(error, PermissionError) or number == errno.EROFS:
        return f"may not write or read {getattr(error, 'filename', 'a file')}; give the project's folder to this user"
    return ""


def run(name: str, section: type[S], work: Callable[[S], None]) -> None:
    """Run stage `name` on its section of params.yaml."""
    guarded(name, lambda: work(load_section(section, name, stage_names(), inheritable=inheritable_keys())))


def guarded(name: str, work: Callable[[], None], pipelines: Sequence[str] = PIPELINES) -> None:
    """Run a stage's work and add the versions of the libraries to its numbers.

    Prints what it read and wrote, its seconds and its peak memory.
    A UserError or a lack of memory ends the process with one line on stderr and exit code 1.
    """
    gc.freeze()  # otherwise Python scans all objects of the imports when it ends, which takes 0.4 s
    start = time.perf_counter()
    try:
        leads, entry = workers.leads(), entry_of(name, pipelines)
        work()
        if leads:
            record_versions(Path(f"metrics/{name}.json"))
    except UserError as error:
        sys.exit(f"{name}: {error}")
    except KeyboardInterrupt:
        print(f"{name}: stopped; `dvc repro` goes on", file=sys.stderr)
        sys.exit(130)
    except Exception as error:
        if not (said := from_outside(error)):
            raise
        sys.exit(f"{name}: {said}")
    if not leads:
        return
    read, wrote = files(entry, "deps"), files(entry, "outs", "metrics", "plots")
    seconds, peak = time.perf_counter() - start, peak_memory()
    memory = f", {peak} MB" if peak else ""
    print(f"{name}: read {listed(read) or 'params'}; wrote {listed(wrote)}; {seconds:.1f} s{memory}")
