"""The stages' results: params, numbers, loss curves and figures, found by the dvc.yaml and dvc.lock files."""

from __future__ import annotations

import csv
import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from fundiff.pipeline.errors import UserError
from fundiff.pipeline.lock import read_locks
from fundiff.pipeline.params import BASE, read_params
from fundiff.pipeline.stage import files, stage_entries

MODEL = "data/model.json"


@dataclass(frozen=True)
class Stage:
    """The results of one stage: its params, numbers, loss curve and figures."""

    name: str
    params: dict[str, Any]
    paths: list[str]
    lock: dict[str, Any]
    root: Path
    desc: str = ""

    @cached_property
    def metrics(self) -> dict[str, Any]:
        """The numbers of metrics/NAME.json, without what they were made with."""
        return {key: value for key, value in self._recorded.items() if key not in ("runtime", "versions")}

    @cached_property
    def _recorded(self) -> dict[str, Any]:
        """All of metrics/NAME.json."""
        path = f"metrics/{self.name}.json"
        try:
            found = json.loads(self._text(path))
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise UserError(f"{path}: not the numbers of a stage; delete it, and `dvc repro` makes it anew")
        return found

    @cached_property
    def curve(self) -> list[dict[str, float]]:
        """The rows of metrics/NAME.csv."""
        path = f"metrics/{self.name}.csv"
        try:
            rows = list(csv.DictReader(self._text(path).splitlines()))
            found = [{key: float(value) for key, value in row.items()} for row in rows]
        except (TypeError, ValueError):
            found = []
        if not found:
            raise UserError(f"{path}: not a loss curve; delete it, and `dvc repro` makes it anew")
        return found

    @cached_property
    def figures(self) -> list[str]:
        """All images of the stage, as sorted paths from the project's root."""
        found = []
        for path in map(Path, self.paths):
            at = self.root / path
            inside = [path / f.relative_to(at) for f in sorted(at.rglob("*"))] if at.is_dir() else [path]
            found += [p.as_posix() for p in inside if p.suffix in (".png", ".webp")]
        return found

    @property
    def films(self) -> list[str]:
        """The animations among the figures."""
        return [path for path in self.figures if path.endswith(".webp")]

    @property
    def plates(self) -> list[str]:
        """The still figures without the single pictures."""
        return [path for path in self.figures if path.endswith(".png") and "/single/" not in path]

    def single(self, name: str) -> str:
        """The path of a single picture, or "" if the stage has none of that name."""
        path = f"report/figures/{self.name}/single/{name}.png"
        return path if path in self.figures else ""

    @property
    def digest(self) -> str:
        """A short hash of the stage's outs as a dvc.lock lists them; "" if none lists them yet."""
        outs = [(out["path"], out.get("md5")) for out in self.lock.get("outs", [])]
        return hashlib.md5(json.dumps(sorted(outs)).encode()).hexdigest()[:8] if outs else ""

    @property
    def runtime(self) -> str:
        """Device, precision and threads that the stage ran on; "" if its numbers do not name them."""
        path = f"metrics/{self.name}.json"
        return str(self._recorded.get("runtime", "")) if path in self.paths else ""

    @property
    def versions(self) -> dict[str, str]:
        """The versions of the libraries by which the stage's numbers were made; empty where it has none or names none."""
        found = self._recorded.get("versions") if f"metrics/{self.name}.json" in self.paths else None
        return found if isinstance(found, dict) else {}

    def _text(self, path: str) -> str:
        if not (self.root / path).is_file():
            raise UserError(f"{path}: not found; `dvc repro` makes it")
        try:
            return (self.root / path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            raise UserError(f"{path}: no text; delete it, and `dvc repro` makes it anew") from None


def load_bench(root: Path) -> dict[str, Any]:
    """The rows of metrics/bench.json by name, and "machine"; empty if the file does not exist. Raises UserError."""
    path = root / "metrics/bench.json"
    if not path.is_file():
        return {}
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        raise UserError("metrics/bench.json: not JSON; restore it from git, or `make bench`") from None


def of_other_versions(stages: dict[str, Stage], installed: dict[str, str]) -> dict[str, list[str]]:
    """A package's version that is not the installed one, in words -> the stages whose numbers it made."""
    found: dict[str, list[str]] = {}
    for stage in stages.values():
        for package, version in stage.versions.items():
            if version != (now := installed.get(package, "none")):
                found.setdefault(f"{package} {version}, installed now: {now}", []).append(stage.name)
    return found


def model_timesteps(root: Path) -> int:
    """T of the model that made Part A's pictures. Raises UserError where its manifest is missing or broken."""
    try:
        return int(json.loads((root / MODEL).read_text(encoding="utf-8"))["timesteps"])
    except (OSError, ValueError, KeyError, TypeError):
        raise UserError(f"{MODEL}: no manifest of a model; `dvc repro model` makes it") from None


def load_stages(root: Path, deps: list[str]) -> dict[str, Stage]:
    """The stages whose numbers and figures are in the report's deps. Raises UserError if one is missing."""
    entries, lock = stage_entries(root), read_locks(root)
    params = read_params(root / "params.yaml")
    model = {"T": model_timesteps(root)} if MODEL in deps else {}
    stages = {}
    for name, entry in entries.items():
        paths = files(entry, "plots")
        read = [path for path in paths if any(Path(path).is_relative_to(dep) for dep in deps)]
        missing = [path for path in read if not (root / path).exists()]
        if missing:
            raise UserError(f"{missing[0]}: not found; `dvc repro` makes it")
        if name != "report" and read == paths:
            values = model | (params.get(BASE) or {}) | (params.get(name) or {})
            stages[name] = Stage(name, values, paths, lock.get(name, {}), root, entry.get("desc", ""))
    return stages
