"""The report: one HTML file made of the words in report/template and of what the stages left."""

from __future__ import annotations

import platform
import re
from importlib import metadata
from pathlib import Path
from typing import Any

import jinja2
import yaml
from latex2mathml.converter import convert

from fundiff.digits.snapshots import kept_epochs
from fundiff.pictures.names import slug
from fundiff.pipeline.errors import UserError
from fundiff.pipeline.machine import described
from fundiff.pipeline.params import read_params
from fundiff.report import embedding
from fundiff.report.charts import loss_curve
from fundiff.report.key_figures import key_figures
from fundiff.report.results import Stage, load_bench

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


def figure(value: Any) -> str:
    """A measured number with three digits, or all that stand before the point; words as they are."""
    if not isinstance(value, int | float):
        return str(value)
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def caption(path: str, stages: dict[str, Stage]) -> str:
    """What a picture that a stage kept shows, by the file's name: `a rocket ship`, or `crab as “a photo”, level 7`."""
    stage, name = Path(Path(path).parts[2]).stem, Path(path).stem
    if drawn := re.fullmatch(r"(.+)_\d+_steps", name):
        prompts = stages[stage].params.get("prompts", []) if stage in stages else []
        return next((prompt for prompt in prompts if slug(prompt) == drawn[1]), drawn[1].replace("_", " "))
    if edited := re.fullmatch(r"(.+)_level_(\d+)", name):
        params = stages[stage].params if stage in stages else {}
        example = params.get("examples", {}).get(edited[1], {})
        prompt = example.get("prompt") or params.get("prompt", stage)
        return f"{edited[1].replace('_', ' ')} as “{prompt}”, level {int(edited[2])}"
    return (stage if stage.startswith(name) else f"{stage}: {name}").replace("_", " ")


def unnamed(folder: Path, stages: dict[str, Stage]) -> list[Stage]:
    """The stages with figures of which no template speaks: the page shows them by what they declare."""
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.html")))
    return [stage for name, stage in stages.items() if stage.plates and not re.search(rf"\b{name}\b", text)]


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


def render(root: Path, stages: dict[str, Stage], params: dict[str, Any]) -> str:
    """The HTML of the project in `root`. Raises UserError where an input is missing or not as expected."""
    env = environment(root / "report/template")
    bench = load_bench(root)
    env.globals |= {
        "params": params,
        "gallery": [path for path in params["gallery"] if (root / path).is_file()],
        "stages": stages,
        "others": unnamed(root / "report/template", stages),
        "key_figures": key_figures(stages),
        "toc": [],
        "told": [],
        "loss_curve": lambda *args, **kwargs: jinja2.utils.markupsafe.Markup(loss_curve(*args, **kwargs)),
        "figure_of": lambda path: embedding.figure(root / path),
        "film_of": lambda path: embedding.film(embedding.frames_of(root / path)),
        "film_from": embedding.film,
        "frames_of": lambda path: embedding.frames_of(root / path),
        "picture_of": embedding.picture,
        "beside": lambda paths: embedding.beside([root / path for path in paths]),
        "departures": departures(
            (root / "profiles/course").read_text(encoding="utf-8"), read_params(root / "params.yaml")
        ),
        "versions": versions(),
        "bench": {name: row for name, row in bench.items() if name != "machine"},
        "bench_machine": bench.get("machine", {}),
        "machine": described(),
        "caption": caption,
        "kept": lambda recipe: kept_epochs(recipe["snapshots"], recipe["epochs"]),
    }
    env.filters["capitalise"] = lambda text: text[:1].upper() + text[1:]
    env.filters["figure"] = figure
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
