"""Experiments side by side in one HTML page, offline: `python -m fundiff.report.compare NAME NAME...`

A name is that of an experiment (`dvc exp show`), a branch, a tag, a commit, or `workspace`. Everything shown is read from
git, so nothing is run or checked out.
"""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from PIL import Image

from fundiff.pipeline.errors import UserError
from fundiff.pipeline.files import replacing
from fundiff.report import embedding
from fundiff.report.page import environment
from fundiff.report.words import shown

WORKSPACE = "workspace"


def git(*words: str) -> bytes:
    """The output of a git command. Raises UserError with the last line of its errors."""
    done = subprocess.run(["git", *words], capture_output=True)
    if done.returncode:
        raise UserError(done.stderr.decode().strip().splitlines()[-1])
    return done.stdout


def commit_of(name: str) -> str:
    """The commit of an experiment or revision. Raises UserError for an unknown name; it lists the experiments."""
    experiments = {
        ref.rpartition("/")[2]: ref
        for ref in git("for-each-ref", "--format=%(refname)", "refs/exps").decode().split()
    }
    try:
        return (
            git("rev-parse", "--verify", "--quiet", f"{experiments.get(name, name)}^{{commit}}")
            .decode()
            .strip()
        )
    except (UserError, IndexError):
        known = ", ".join(sorted(experiments)) or "none yet"
        raise UserError(f"{name}: no such experiment or revision; experiments are {known}") from None


@dataclass(frozen=True)
class Run:
    """The files of one experiment in git, or of the workspace."""

    name: str

    @cached_property
    def commit(self) -> str:
        """The experiment's commit."""
        return commit_of(self.name)

    @cached_property
    def files(self) -> dict[str, str]:
        """The paths of params, numbers and figures, each with the hash of its content."""
        places = ["params.yaml", "metrics", "report/figures"]
        if self.name == WORKSPACE:
            found = [
                f for place in map(Path, places) for f in ([place] if place.is_file() else place.rglob("*"))
            ]
            paths = sorted(path.as_posix() for path in found if path.is_file())
            ids = git("hash-object", "--", *paths).decode().split()
            return dict(zip(paths, ids, strict=True))
        rows = git("ls-tree", "-r", self.commit, *places).decode().splitlines()
        return {path: words.split()[2] for words, path in (row.split("\t") for row in rows)}

    def read(self, path: str) -> bytes:
        """A file's content."""
        return Path(path).read_bytes() if self.name == WORKSPACE else git("show", f"{self.commit}:{path}")

    @cached_property
    def params(self) -> dict[str, Any]:
        """All params by dotted name."""
        return dict(flat(yaml.safe_load(self.read("params.yaml"))))

    @cached_property
    def key_figures(self) -> dict[str, float]:
        """The key figures by name; stage `report` makes them anew, so a run of one stage alone leaves them."""
        paths = [path for path in self.files if path.startswith("metrics/key/")]
        return {Path(path).stem: json.loads(self.read(path))["here"] for path in paths}

    def numbers(self, paths: Iterable[str]) -> dict[str, float]:
        """The numbers of these files of metrics/, by the stage's name and their own."""
        found = {Path(path).stem: json.loads(self.read(path)) for path in paths if path in self.files}
        return {key: value for key, value in flat(found) if isinstance(value, int | float)}


def flat(params: dict[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """The values of nested sections, by dotted name."""
    for key, value in params.items():
        if isinstance(value, dict):
            yield from flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value


def differing(tables: Sequence[dict[str, Any]]) -> dict[str, list[Any]]:
    """The keys whose values are not the same in all tables, with each table's value or None."""
    keys = dict.fromkeys(key for table in tables for key in table)
    rows = {key: [table.get(key) for table in tables] for key in keys}
    return {key: row for key, row in rows.items() if any(value != row[0] for value in row)}


def numbers(runs: Sequence[Run]) -> dict[str, list[Any]]:
    """The numbers of metrics/*.json that differ, with every run's."""
    changed = differing([run.files for run in runs])
    paths = [path for path in changed if Path(path).parent == Path("metrics") and path.endswith(".json")]
    return differing([run.numbers(paths) for run in runs])


def figures(runs: Sequence[Run]) -> dict[str, list[embedding.Picture | None]]:
    """Of every run the still figures that differ; single pictures are left out. None where a run lacks the figure."""
    rows = differing([run.files for run in runs])
    stills = [path for path in rows if path.endswith(".png") and "/single/" not in path]
    return {
        path: [picture(run.read(path)) if path in run.files else None for run in runs]
        for path in sorted(stills)
    }


def picture(content: bytes) -> embedding.Picture:
    """A picture for the page from the content of a PNG."""
    return embedding.picture(np.asarray(Image.open(io.BytesIO(content)).convert("RGB")))


def page(names: Sequence[str], templates: Path) -> str:
    """The HTML page of two or more experiments. Raises UserError for an unknown one."""
    runs = [Run(name) for name in names]
    return (
        environment(templates)
        .get_template("compare.html")
        .render(
            names=names,
            params={
                key: list(map(shown, row)) for key, row in differing([run.params for run in runs]).items()
            },
            key_figures=differing([run.key_figures for run in runs]),
            numbers=numbers(runs),
            figures=figures(runs),
        )
    )


def main(words: Sequence[str] | None = None) -> None:
    """Write the page and print its path."""
    parser = argparse.ArgumentParser(prog="python -m fundiff.report.compare", description=__doc__)
    parser.add_argument("names", nargs="+", help=f"experiments, revisions, or {WORKSPACE}; two or more")
    parser.add_argument("--out", default="report/compare.html", help="where the page goes")
    asked = parser.parse_args(words)
    if len(asked.names) < 2:
        parser.error("two or more names are needed")
    try:
        html = page(asked.names, Path("report/template"))
        with replacing(asked.out) as temporary:
            temporary.write_text(html, encoding="utf-8", newline="\n")
    except UserError as error:
        sys.exit(f"compare: {error}")
    print(f"compare: wrote {asked.out}, {len(html.encode()) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
