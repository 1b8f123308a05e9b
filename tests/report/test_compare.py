"""Experiments side by side: what differs, and nothing else; from git alone."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from fundiff.pipeline.errors import UserError
from fundiff.report.compare import commit_of, differing, flat, main, page
from tests.report.test_browser import Sheet
from tests.report.test_page import ROOT, picture

GIT = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]


def left(root: Path, scale: float, seed: int) -> None:
    """What a run leaves: params, key figures, figures; one of each does not change."""
    (root / "metrics/key").mkdir(parents=True, exist_ok=True)
    (root / "params.yaml").write_text(f"guidance: {{scale: {scale}, seed: 180}}\n")
    (root / "metrics/key/fit.json").write_text(f'{{"here": {scale / 10}}}')
    (root / "metrics/key/same.json").write_text('{"here": 0.125}')
    fit = {"g": {"7": {"fit": scale / 10, "steady": 0.5}}, "runtime": f"cpu {scale}"}
    (root / "metrics/guidance.json").write_text(json.dumps(fit))
    (root / "metrics/guidance.csv").write_text(f"epoch,loss\n1,{scale}\n")
    picture(root / "report/figures/guidance/guidance.png", 80, 80, seed)
    picture(root / "report/figures/guidance/single/1.png", 64, 64, seed)
    picture(root / "report/figures/setup/setup.png", 80, 80, 9)


@pytest.fixture
def repository(tmp_path, monkeypatch) -> Path:
    """A repository with a commit, an experiment as DVC keeps one, and another state in the workspace."""
    shutil.copytree(ROOT / "report/template", tmp_path / "report/template")
    monkeypatch.chdir(tmp_path)
    subprocess.run(["git", "init", "-q", "-b", "main"], check=True)
    for scale, seed in ((2, 1), (7, 2)):
        left(tmp_path, scale, seed)
        subprocess.run([*GIT, "add", "."], check=True)
        subprocess.run([*GIT, "commit", "-qm", f"scale {scale}"], check=True)
    subprocess.run(["git", "update-ref", "refs/exps/ab/abcdef/strong-one", "HEAD"], check=True)
    subprocess.run(["git", "reset", "-q", "--hard", "HEAD~1"], check=True)
    left(tmp_path, 15, 3)
    return tmp_path


def test_what_differs():
    assert dict(flat({"a": {"b": {"c": 1}}, "d": [2]})) == {"a.b.c": 1, "d": [2]}
    assert differing([{"a": 1, "b": 2}, {"a": 1, "b": 3, "c": 4}]) == {"b": [2, 3], "c": [None, 4]}


def test_three_runs_side_by_side(repository):
    html = page(["main", "strong-one", "workspace"], Path("report/template"))
    words = " ".join(html.split("</style>")[1].split())
    cells = '<td>{}</td><td class="changed">{}</td><td class="changed">{}</td>'
    assert "guidance.scale</code></th>" + cells.format(2, 7, 15) in words
    assert '<th scope="row">fit</th>' + cells.format(0.2, 0.7, 1.5) in words
    assert '<th scope="row">guidance · g · 7 · fit</th>' + cells.format(0.2, 0.7, 1.5) in words
    assert "steady" not in words and "runtime" not in words and "<h3>guidance</h3>" in words
    assert "guidance.seed" not in words and ">same<" not in words and "setup" not in words
    assert html.count("<img") == 3 and "single" not in html
    assert len(set(part.split('"')[0] for part in html.split('<img src="')[1:])) == 3


def test_the_command_writes_one_page_that_works_offline(repository, browser, capsys):
    main(["main", "strong-one"])
    assert "wrote report/compare.html" in capsys.readouterr().out
    with Sheet(browser, repository / "report/compare.html", 390) as sheet:
        assert sheet.page.evaluate("document.documentElement.scrollWidth") == 390
        assert sheet.asked == [(repository / "report/compare.html").as_uri()] and not sheet.complaints


def test_an_unknown_experiment_is_one_line(repository):
    with pytest.raises(
        UserError, match="weak-one: no such experiment or revision; experiments are strong-one"
    ):
        commit_of("weak-one")
    with pytest.raises(SystemExit, match="compare: weak-one: no such") as error:
        main(["main", "weak-one"])
    assert "\n" not in str(error.value)
    with pytest.raises(SystemExit):
        main(["main"])
