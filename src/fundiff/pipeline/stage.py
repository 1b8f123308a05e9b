"""The frame of every stage: read its params, run it, report what it read and wrote, end errors in one line."""

from __future__ import annotations

import errno
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fundiff.pipeline import workers
from fundiff.pipeline.errors import UserError
from fundiff.pipeline.params import BASE, S, load_section, nearest, read_params, read_yaml
from fundiff.pipeline.versions import record_versions


def stage_names(folder: str | Path = "stages") -> list[str]:
    """Names of all stages; params.yaml has a section of each name."""
    return sorted(path.stem for path in Path(folder).glob("[a-z]*.py"))


def entry_of(name: str, pipeline: str = "dvc.yaml") -> dict[str, Any]:
    """The stage's entry in a pipeline's dvc.yaml. Raises UserError if it has none."""
    entries = read_yaml(pipeline).get("stages") or {}
    if name not in entries:
        raise UserError(f"{pipeline}: no stage {name!r}; say there what stages/{name}.py reads and writes")
    return entries[name]


def inheritable_keys() -> list[str]:
    """The keys of `base` in params.yaml that stages inherit, as the dvc.yaml files say."""
    pipelines = [path for pattern in ("dvc.yaml", "*/dvc.yaml") for path in Path().glob(pattern)]
    texts = [path.read_text(encoding="utf-8") for path in pipelines]
    return sorted({key for text in texts for key in re.findall(rf"\b{BASE}\.(\w+)", text)})


def declared(key: str) -> bool:
    """Whether any section has a field of that name, be its stage in dvc.yaml or not."""
    field = re.compile(rf"^    {re.escape(key)}: ", re.MULTILINE)
    sources = [*Path("stages").glob("*.py"), *Path(__file__).parents[1].rglob("*.py")]
    return any(field.search(path.read_text(encoding="utf-8")) for path in sources)


def check_base(base: Any) -> None:
    """Raises UserError for a key of `base` that no section has: it would change nothing."""
    inherited = inheritable_keys()
    for key in map(str, base if isinstance(base, dict) else ()):
        if key not in inherited and not declared(key):
            known = nearest(key, inherited)
            raise UserError(f"params.yaml: {BASE}.{key[:80]} is not a key that a stage inherits; {known}")


def listed(paths: list[str]) -> str:
    """Up to five paths, or the number of more."""
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
    """What of the world outside ended a stage, and what to do; empty where the program itself is wrong."""
    text, number = str(error).lower(), getattr(error, "errno", None)
    if isinstance(error, MemoryError) or "out of memory" in text or "not enough memory" in text:
        return "not enough memory; ask for fewer samples, or set model.precision=fp16 and model.offload=true"
    # The second is what torch.save says where it could not write all.
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

    def whole() -> None:
        check_base(read_params().get(BASE))
        work(load_section(section, name, stage_names()))

    guarded(name, whole)


def guarded(name: str, work: Callable[[], None], pipeline: str = "dvc.yaml") -> None:
    """Run a stage's work, add the versions of the libraries to its numbers, and print what it read and wrote and its seconds.

    A UserError or a lack of memory ends the process with one line on stderr and exit code 1.
    """
    start = time.perf_counter()
    try:
        leads, entry = workers.leads(), entry_of(name, pipeline)
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
    seconds = time.perf_counter() - start
    print(f"{name}: read {listed(read) or 'params'}; wrote {listed(wrote)}; {seconds:.1f} s")
