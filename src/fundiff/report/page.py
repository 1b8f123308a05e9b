"""The report: one HTML file made from the templates in report/template and the stages' results."""

from __future__ import annotations

import re
from functools import cache, partial
from pathlib import Path
from typing import Any

import jinja2
from latex2mathml.converter import convert

from fundiff.digits.snapshots import kept_epochs
from fundiff.pictures.names import sampler_label, slug
from fundiff.pipeline.errors import UserError
from fundiff.pipeline.machine import described
from fundiff.pipeline.params import read_params
from fundiff.pipeline.versions import versions
from fundiff.report import embedding, layout
from fundiff.report.charts import loss_curve
from fundiff.report.digit_findings import DIGITS
from fundiff.report.findings import best_read, finding
from fundiff.report.flow_findings import FLOWS
from fundiff.report.glossary import linked
from fundiff.report.key_figures import key_figures
from fundiff.report.larger import Enlargements
from fundiff.report.live import network
from fundiff.report.picture_findings import PICTURES
from fundiff.report.results import Stage, load_bench, of_other_versions
from fundiff.report.source import source_of
from fundiff.report.tiles import tiles_of
from fundiff.report.tries import TRIES
from fundiff.report.words import caption, departures, figure

MATH = re.compile(r"\$\$(.+?)\$\$|\$([^$]+?)\$", re.DOTALL)


def mathml(text: str) -> str:
    """The text with `$inline$` and `$$display$$` LaTeX replaced by MathML."""

    def render(match: re.Match[str]) -> str:
        display, inline = match.groups()
        if display:
            return f'<div class="equation">{convert(display, display="block")}</div>'
        return convert(inline)

    return MATH.sub(render, text)


def environment(folder: Path) -> jinja2.Environment:
    """Jinja2 for the templates of a folder. An unknown name in a template is an error, not an empty string."""

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


def helpers(root: Path, stages: dict[str, Stage]) -> dict[str, Any]:
    """The functions that the templates call."""
    markup, enlargements = jinja2.utils.markupsafe.Markup, Enlargements(root)
    animation = cache(lambda path: embedding.animation_in(root / path))
    return {
        "best_read": lambda name: best_read(stages.get(name)),
        "caption": partial(caption, stages=stages),
        "code_of": source_of,
        "figure_of": cache(enlargements.figure),
        "film_of": lambda path: embedding.film(animation(path)),
        "enlarged_by": enlargements.said,
        "finding": partial(finding, PICTURES | DIGITS | FLOWS, stages=stages),
        "frames_of": lambda path: animation(path).frames,
        "grid_of": lambda name: layout.grid_of(stages[name]),
        "kept": lambda recipe: kept_epochs(recipe["snapshots"], recipe["epochs"]),
        "loss_curve": lambda *args, **kwargs: markup(loss_curve(*args, **kwargs)),
        "picture_of": embedding.picture,
        "slug": slug,
        "tiles_of": lambda path, about, axes: tiles_of(root / path, about, axes),
        "true_figure_of": lambda path: embedding.figure(root / path),
    }


def environment_of(root: Path, stages: dict[str, Stage], params: dict[str, Any]) -> jinja2.Environment:
    """The templates of the project in `root`, with the data and functions that they use."""
    env = environment(root / "report/template")
    bench = load_bench(root)
    sections = read_params(root / "params.yaml")
    env.globals |= helpers(root, stages) | {
        "params": params,
        "gallery": [path for path in params["gallery"] if (root / path).is_file()],
        "stages": stages,
        "key_figures": key_figures(stages),
        "toc": [],
        "told": [],
        "departures": departures((root / "profiles/course").read_text(encoding="utf-8"), sections),
        "versions": versions(),
        "other_versions": of_other_versions(stages, versions()),
        "bench": {name: row for name, row in bench.items() if name != "machine"},
        "bench_machine": bench.get("machine", {}),
        "machine": described(),
        "network": network(root / "models/flow"),
        "originals": layout.originals(stages),
        "tries": {name: one for name, one in TRIES.items() if name in stages},
    }
    env.filters["capitalise"] = lambda text: text[:1].upper() + text[1:]
    env.filters["figure"] = figure
    env.filters["sampler"] = sampler_label
    env.filters["by_number"] = lambda numbers: sorted(numbers.items(), key=lambda item: float(item[0]))
    return env


def render(root: Path, stages: dict[str, Stage], params: dict[str, Any], page: str = "page.html") -> str:
    """One page of the project in `root` as HTML. Raises UserError for a missing or wrong input."""
    try:
        html = environment_of(root, stages, params).get_template(page).render()
    except jinja2.UndefinedError as error:
        raise UserError(
            f"the report needs what no stage left: {error}; `dvc repro` the stage again"
        ) from None
    except jinja2.TemplateNotFound as error:
        raise UserError(f"report/template/{error.name}: not found; restore it from git") from None
    return linked(re.sub(r"\n\s*\n+", "\n", html))
