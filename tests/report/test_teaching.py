"""What makes the page teach: terms that link, sources beside equations, commands that run, pictures that are there."""

import ast
import importlib.util
import inspect
import json
import os
import re
import shlex
import subprocess
import sys
from functools import reduce

import pytest
import torch
import yaml

from fundiff.critic.concealment import concealment_score
from fundiff.pictures.names import slug
from fundiff.pipeline.errors import UserError
from fundiff.pipeline.params import BASE, load_section, read_params
from fundiff.pipeline.stage import stage_names
from fundiff.report.glossary import TERMS, linked
from fundiff.report.layout import Grid, grid_of, originals
from fundiff.report.results import load_stages
from fundiff.report.source import source_of
from fundiff.report.tries import TRIES
from tests.commands import shell
from tests.pipelines import ENTRIES
from tests.report.test_page import IMAGES, LEVELS, ROOT, inputs, picture, project

TEMPLATES = (ROOT / "report/template").glob("*.html")
PLACES = sorted(
    {place for path in TEMPLATES for place in re.findall(r'code\("([^"]+)"\)', path.read_text("utf-8"))}
)


@pytest.mark.parametrize("place", PLACES)
def test_the_source_shown_is_the_functions_own(place):
    module, _, name = place.partition(":")
    function = reduce(getattr, name.split("."), importlib.import_module(module))
    code = source_of(place)
    assert code.text == inspect.cleandoc("\n" + inspect.getsource(function)) + "\n"
    assert (ROOT / code.path).is_file()


@pytest.mark.parametrize("place", ["fundiff.nowhere:f", "fundiff.sampling.loop:nothing"])
def test_a_source_that_is_gone_is_one_line(place):
    with pytest.raises(UserError, match=f"{place}: no such"):
        source_of(place)


@pytest.mark.parametrize("stage", TRIES)
def test_every_command_sets_a_param_that_its_stage_takes(stage, tmp_path):
    one = TRIES[stage]
    words = shlex.split(one.command)
    assert words[:4] == ["dvc", "exp", "run", "-S"] and words[4:] == [one.override]
    key, _, text = one.override.partition("=")
    section, *way, last = key.split(".")
    assert section in (stage, BASE) and (ROOT / f"stages/{stage}.py").is_file()
    params = read_params(ROOT / "params.yaml")
    at = reduce(lambda inner, part: inner[part], [section, *way], params)
    assert last in at and at[last] != yaml.safe_load(text)
    at[last] = yaml.safe_load(text)
    (tmp_path / "params.yaml").write_text(json.dumps(params), encoding="utf-8")  # JSON is YAML too
    kind = importlib.import_module(f"stages.{stage}").Params
    load_section(kind, stage, stage_names(ROOT / "stages"), tmp_path / "params.yaml")


@pytest.mark.slow
def test_dvc_accepts_every_command(tmp_path):
    """All overrides in one dry run, of the stage that reads nothing that is made; an unknown param would end it."""
    clone = tmp_path / "clone"
    shell(tmp_path, "git", "clone", "-q", "--depth", "1", ROOT.as_uri(), str(clone))
    sets = [word for one in TRIES.values() for word in ("-S", one.override)]
    shell(clone, "dvc", "exp", "run", "--dry", *sets, "--single-item", "inputs")
    told = shell(
        clone, "dvc", "exp", "run", "--dry", "-S", "setup.no=1", "--single-item", "inputs", fails=True
    )
    assert "setup.no" in told


def test_first_uses_link_to_definitions_and_nothing_else_does():
    html = (
        '<section id="a-x"><h3>The prior</h3><p>A prior, a <code>prior</code> and <a href="#x">a judge</a>; '
        "Guidance with guidance, the Frechet distance, D = 32.</p><td>critic</td><p>The prior again.</p></section>"
        '<section id="cast"><p>prior</p></section><p>prior</p>'
    )
    found = re.findall(r'<a class="term" href="#cast-(\w+)">([^<]+)</a>', linked(html))
    assert found == [
        ("prior", "prior"),
        ("guidance", "Guidance"),
        ("frechet", "Frechet distance"),
        ("d", "D"),
    ]
    assert re.sub(r'<a class="term"[^>]*>([^<]+)</a>', r"\1", linked(html)) == html


@pytest.fixture(scope="module")
def stages(tmp_path_factory):
    root = project(tmp_path_factory.mktemp("teaching"))
    return load_stages(root, inputs(root))


def test_every_term_is_defined_where_its_links_lead(stages):
    lesson = (ROOT / "report/template/lesson.html").read_text(encoding="utf-8")
    assert set(re.findall(r'<dt id="cast-(\w+)"', lesson)) == set(TERMS)


def test_single_pictures_stand_in_grids(stages):
    grid = grid_of(stages["sdedit"])
    assert grid.columns == ["level 1, t = 960", "level 5, t = 840", "level 20, t = 390", "original"]
    assert [title for title, _ in grid.rows] == [name.replace("_", " ") for name in IMAGES]
    assert grid.rows[0][1][0] == f"report/figures/sdedit/single/{IMAGES[0]}_level_{LEVELS[0]:02d}.png"
    assert grid_of(stages["one_step_denoising"]).rows[0][0] == "one step"
    assert grid_of(stages["setup"]).rows == [] and grid_of(stages["ood_sigma"]) == Grid([], [])
    assert set(originals(stages)) == {*IMAGES, "tower_top"}


def test_a_prompts_picture_is_found_by_its_words(tmp_path):
    root = project(tmp_path)
    for prompt in ("a rocket ship", "photo"):
        for steps in (5, 34):
            picture(
                root / f"report/figures/setup/single/{slug(prompt)}_{steps:03d}_steps.png", 64, 64, channels=3
            )
    grid = grid_of(load_stages(root, inputs(root))["setup"])
    assert grid.columns == ["a rocket ship", "photo"]
    assert [title for title, _ in grid.rows] == ["5 steps", "34 steps"]


@pytest.mark.parametrize("name", ["part_a", "part_b", "flow", "flow_digits", "beyond"])
def test_every_section_has_its_three_parts_and_one_reference(name):
    text = (ROOT / f"report/template/{name}.html").read_text(encoding="utf-8")
    sections = re.findall(r'{% call section\("([\w-]+)", "(.*?)(?={% call section\("|\Z)', text, re.DOTALL)
    assert len(sections) >= 3
    for place, body in sections:
        parts = [body.find(f"{{{{ {part}() }}}}") for part in ("done", "why", "look")]
        assert -1 < parts[0] < parts[1] < parts[2], place
        assert body.count("{{ reference(") == 1, place


def test_t_moves_four_pictures_of_the_same_noise(stages):
    names = ["forward_process", "one_step_denoising", "iterative_denoising"]
    grids = [grid_of(stages[name]) for name in names]
    assert [grid.rows[0][0] for grid in grids] == ["noisy", "one step", "iterative"]
    assert {tuple(grid.columns) for grid in grids} == {("t = 250", "t = 500", "t = 750")}
    scrubbed = (ROOT / "report/template/part_a.html").read_text(encoding="utf-8")
    told = re.findall(r'class="scrub" data-from="([^"]+)"', scrubbed)[1].split()
    assert told == [f"tiles-{n}" for n in ("forward_process", "gaussian_denoising", *names[1:])]


def test_the_guide_for_teachers_names_only_what_is_there():
    guide = (ROOT / "docs/teaching.md").read_text(encoding="utf-8")
    page = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "report/template").glob("*.html"))
    for stage in re.findall(r"`stages/(\w+)\.py`", guide):
        assert stage in ENTRIES, stage
    for anchor in re.findall(r"index\.html#([\w-]+)", guide):
        assert f'section("{anchor}"' in page, anchor
    for path in re.findall(r"`((?:src|tests|profiles|docs)/[\w/.]+)`", guide):
        assert (ROOT / path).exists(), path
    assert "pytest tests/" in guide


# What each edition asks for, as docs/teaching.md numbers it.
EDITIONS = {
    "Part A, Fall 2024 form": (
        "0 1.1 1.2 1.3 1.4 1.5 1.6 1.7 1.7.1 1.7.2 1.7.3 1.8 1.9",
        "a-",
    ),
    "Part A, Fall 2026 form (flow)": ("1.1 1.2 1.3 1.4 1.5 1.6 2.1 3.1, 3.3 3.4 Inpainting", "fa-"),
    "Part B, Fall 2024, 2025 and 2026 forms": (
        "1.1 1.2 1.2 Denoising 2.1 2.4 Flow Without",
        "b- fb-",
    ),
}


def rows_of(guide: str, title: str) -> list[tuple[str, list[str], list[str]]]:
    """A table of the guide: the deliverable, its stages, its sections."""
    table = guide.split(f"### {title}\n")[1].split("\n#")[0]
    lines = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines() if line[:1] == "|"
    ]
    return [
        (line[0], re.findall(r"`stages/(\w+)\.py`", line[1]), re.findall(r"#([\w-]+)", line[2]))
        for line in lines[2:]
    ]


def sections() -> dict[str, tuple[set[str], str]]:
    """The sections of all templates: the stages that each tells of, and its words."""
    found = {}
    for path in sorted((ROOT / "report/template").glob("*.html")):
        parts = re.split(r'call section\("', path.read_text(encoding="utf-8"))
        for part in parts[1:]:
            anchor, _, rest = part.partition('"')
            needs = rest.split(") %}")[0].split(", ", 2)[-1]
            found[anchor] = (set(re.findall(r'"(\w+)"', needs)), rest)
    return found


@pytest.mark.parametrize("title", EDITIONS)
def test_no_deliverable_of_any_edition_lacks_its_section(title):
    guide = (ROOT / "docs/teaching.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^### (.* forms?.*)$", guide, re.MULTILINE)) == set(EDITIONS)
    rows, told = rows_of(guide, title), sections()
    numbers, parts = EDITIONS[title]
    assert sorted(name.split()[0] for name, _, _ in rows) == sorted(numbers.split())
    for name, stages, anchors in rows:
        assert stages and anchors, name
        assert set(stages) <= set().union(*(told[anchor][0] for anchor in anchors)), name
        for anchor in anchors:
            words = told[anchor][1]
            assert anchor.startswith(tuple(parts.split())), anchor
            assert all(f"{{{{ {part}() }}}}" in words for part in ("done", "why", "look")), anchor
            assert "{{ reference(" in words, anchor


def test_every_stage_of_the_flow_edition_stands_in_a_section_with_its_numbers():
    told = sections()
    for stage in [name for name in ENTRIES if name.startswith("flow_")]:
        (anchor,) = [anchor for anchor, (needs, _) in told.items() if stage in needs]
        assert anchor == f"fa-{stage.removeprefix('flow_').replace('_', '-')}"
        for call in ("found", "try_it"):
            assert f'{{{{ {call}("{stage}") }}}}' in told[anchor][1], anchor
        assert stage in TRIES


def test_what_the_cast_says_of_the_critic_is_what_was_measured():
    lesson = (ROOT / "report/template/lesson.html").read_text(encoding="utf-8")
    critic = json.loads((ROOT / "models/critic/metrics.json").read_text(encoding="utf-8"))
    vocabulary = json.loads((ROOT / "models/critic/vocabulary.json").read_text(encoding="utf-8"))
    assert f"one of {critic['names']:,} names first in {critic['r_at_1']['mean']:.0%} of" in lesson
    assert f"the first ten in {critic['r_at_10']['mean']:.0%}" in lesson
    assert f"guessing: {100 / critic['names']:.2f}%" in lesson
    assert f"have {critic['alignment_right']['mean']:.2f} with their right name" in lesson
    assert (
        lesson.count(f"list of {len(vocabulary)} names") == 1
        and f"no other of the {len(vocabulary)} " in lesson
    )


def test_the_worked_example_of_concealment_is_right():
    lesson = (ROOT / "report/template/lesson.html").read_text(encoding="utf-8")
    for other in (0.1, 0.2):
        score = concealment_score(torch.tensor([[0.3, other], [other, 0.3]]), 20)
        assert f"e^{{{20 * other:.0f}}}) = {score:.2f}$" in lesson


def handout():
    spec = importlib.util.spec_from_file_location("handout", ROOT / "docs/handout.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_a_version_without_solutions_keeps_signatures_and_fails_its_tests(tmp_path):
    count = handout().hand_out(ROOT, tmp_path)
    assert count == sum(map(len, handout().EXERCISES.values())) > 10
    assert (
        not (tmp_path / "report/index.html").exists()
        and (tmp_path / "tests/sampling/test_estimators.py").exists()
        and not (tmp_path / "benchmarks").exists()
    )
    code = "import fundiff.sampling.estimators as e; print(e.__file__); e.hybrid(None, None)"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "src")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert str(tmp_path) in done.stdout and "NotImplementedError: hybrid" in done.stderr
    for path, names in handout().EXERCISES.items():
        left = handout().functions((tmp_path / path).read_text(encoding="utf-8"))
        whole = handout().functions((ROOT / path).read_text(encoding="utf-8"))
        assert set(left) == set(whole)
        for name in names:
            assert ast.get_docstring(left[name]) == ast.get_docstring(whole[name])
            assert ast.unparse(left[name].args) == ast.unparse(whole[name].args)
            assert len(left[name].body) == (2 if ast.get_docstring(left[name]) else 1)
