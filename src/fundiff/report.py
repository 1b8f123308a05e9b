"""The report: one HTML file made of the words in report/template and of what the stages left."""

from __future__ import annotations

import csv
import hashlib
import json
import platform
import re
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import Any

import jinja2
import yaml
from latex2mathml.converter import convert

from fundiff import pictures
from fundiff.charts import loss_curve
from fundiff.errors import UserError
from fundiff.params import read_params
from fundiff.stage import files

PACKAGES = (
    "torch",
    "torchvision",
    "diffusers",
    "transformers",
    "dvc",
    "numpy",
    "pandas",
    "matplotlib",
    "pillow",
)
MATH = re.compile(r"\$\$(.+?)\$\$|\$([^$]+?)\$", re.DOTALL)


@dataclass(frozen=True)
class Stage:
    """What one stage left: its params, numbers, loss curve and figures."""

    name: str
    params: dict[str, Any]
    paths: list[str]
    lock: dict[str, Any]
    root: Path

    @cached_property
    def metrics(self) -> dict[str, Any]:
        """The numbers of metrics/NAME.json."""
        return json.loads(self._text(f"metrics/{self.name}.json"))

    @cached_property
    def curve(self) -> list[dict[str, float]]:
        """The rows of metrics/NAME.csv."""
        rows = csv.DictReader(self._text(f"metrics/{self.name}.csv").splitlines())
        return [{key: float(value) for key, value in row.items()} for row in rows]

    @cached_property
    def figures(self) -> list[str]:
        """All images that the stage left, as paths from the project's root, sorted."""
        found = []
        for path in map(Path, self.paths):
            at = self.root / path
            inside = [path / f.relative_to(at) for f in sorted(at.rglob("*"))] if at.is_dir() else [path]
            found += [p.as_posix() for p in inside if p.suffix in (".png", ".gif")]
        return found

    @property
    def films(self) -> list[str]:
        """The animations among the figures."""
        return [path for path in self.figures if path.endswith(".gif")]

    @property
    def plates(self) -> list[str]:
        """The still figures, the single pictures left out."""
        return [path for path in self.figures if path.endswith(".png") and "/single/" not in path]

    def single(self, name: str) -> str:
        """The path of a picture kept in its true size, or nothing where the stage kept none of that name."""
        path = f"report/figures/{self.name}/single/{name}.png"
        return path if path in self.figures else ""

    @property
    def digest(self) -> str:
        """A short hash of what the stage made, from dvc.lock; empty where dvc.lock does not know it yet."""
        outs = [(out["path"], out.get("md5")) for out in self.lock.get("outs", [])]
        return hashlib.md5(json.dumps(sorted(outs)).encode()).hexdigest()[:8] if outs else ""

    @property
    def runtime(self) -> str:
        """Device, precision and threads of the stage's work; empty where it has no numbers or names none."""
        path = f"metrics/{self.name}.json"
        return str(self.metrics.get("runtime", "")) if path in self.paths else ""

    def _text(self, path: str) -> str:
        if not (self.root / path).is_file():
            raise UserError(f"{path}: not found; `dvc repro {self.name}` makes it")
        return (self.root / path).read_text(encoding="utf-8")


def load_stages(root: Path, deps: list[str]) -> dict[str, Stage]:
    """The stages of dvc.yaml whose metrics and plots are the report's deps, all of which must be there."""
    entries = yaml.safe_load((root / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    lock_file = root / "dvc.lock"
    lock = (
        (yaml.safe_load(lock_file.read_text(encoding="utf-8")) or {}).get("stages", {})
        if lock_file.exists()
        else {}
    )
    params = read_params(root / "params.yaml")
    stages = {}
    for name, entry in entries.items():
        paths = files(entry, "metrics", "plots")
        missing = [path for path in paths if path in deps and not (root / path).exists()]
        if missing:
            raise UserError(f"{missing[0]}: not found; `dvc repro {name}` makes it")
        if name != "report" and (not paths or set(paths) <= set(deps)):
            stages[name] = Stage(name, params.get(name) or {}, paths, lock.get(name, {}), root)
    return stages


def departures(profile: str, params: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    """Params unlike the profile's (`-S section.key=value`): section, key, value here, value there."""
    rows = []
    for key, text in re.findall(r"-S\s+([\w.]+)=(\S+)", profile):
        here: Any = params
        for part in key.split("."):
            here = here.get(part) if isinstance(here, dict) else None
        there = yaml.safe_load(text)
        if here != there:
            section, _, name = key.partition(".")
            rows.append((section, name, shown(here), shown(there)))
    return rows


def shown(value: Any) -> str:
    """A param's value as text."""
    return "not set" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def versions() -> dict[str, str]:
    """Python's and the main packages' versions."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def mathml(text: str) -> str:
    """The text with `$inline$` and `$$display$$` LaTeX made MathML."""

    def render(match: re.Match[str]) -> str:
        display, inline = match.groups()
        if display:
            return f'<div class="equation">{convert(display, display="block")}</div>'
        return convert(inline)

    return MATH.sub(render, text)


def environment(folder: Path) -> jinja2.Environment:
    """Jinja2 for the templates of a folder; a name that the data lack is an error, not an empty string."""

    def load(name: str) -> str | None:
        path = folder / name
        if not path.is_file():
            return None
        text = path.read_text(encoding="utf-8")
        return mathml(text) if name.endswith(".html") else text

    return jinja2.Environment(
        loader=jinja2.FunctionLoader(load),
        autoescape=lambda name: name is not None and name.endswith(".html"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render(root: Path, deps: list[str], params: dict[str, Any]) -> str:
    """The HTML of the project in `root`. Raises UserError where an input is missing or not as expected."""
    stages = load_stages(root, deps)
    env = environment(root / "report/template")
    env.globals |= {
        "params": params,
        "gallery": [path for path in params["gallery"] if (root / path).is_file()],
        "stages": stages,
        "toc": [],
        "told": [],
        "loss_curve": lambda *args, **kwargs: jinja2.utils.markupsafe.Markup(loss_curve(*args, **kwargs)),
        "figure_of": lambda path: pictures.figure(root / path),
        "film_of": lambda path: pictures.film(pictures.frames_of(root / path)),
        "film_from": pictures.film,
        "frames_of": lambda path: pictures.frames_of(root / path),
        "picture_of": pictures.picture,
        "beside": lambda paths: pictures.beside([root / path for path in paths]),
        "departures": departures(
            (root / "profiles/course").read_text(encoding="utf-8"), read_params(root / "params.yaml")
        ),
        "versions": versions(),
        "kept": lambda recipe: sorted(
            {e for e in recipe["snapshots"] if e < recipe["epochs"]} | {recipe["epochs"]}
        ),
    }
    env.filters["capitalise"] = lambda text: text[:1].upper() + text[1:]
    env.filters["by_number"] = lambda numbers: sorted(numbers.items(), key=lambda item: float(item[0]))
    try:
        html = env.get_template("page.html").render()
    except jinja2.UndefinedError as error:
        raise UserError(
            f"the report needs what no stage left: {error}; `dvc repro` the stage again"
        ) from None
    except jinja2.TemplateNotFound as error:
        raise UserError(f"report/template/{error.name}: not found; restore it from git") from None
    return re.sub(r"\n\s*\n+", "\n", html)
