"""docs/adding_a_technique.md is up to date: its paths exist, and the code that it quotes is in the files."""

import re
from pathlib import Path

import pytest

from tests.pipelines import ENTRIES, made_by

DOC = Path("docs/adding_a_technique.md").read_text(encoding="utf-8")
SOURCES = [
    "src/fundiff/techniques/colourisation.py", "stages/colourisation.py", "params.yaml", "beyond/dvc.yaml",
    "tests/techniques/test_colourisation.py",
]  # fmt: skip
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", DOC, re.DOTALL)
MADE = ("report/figures/colourisation", "metrics/colourisation.json")  # by the stage itself


def paths() -> set[str]:
    """All paths in the page's text, commands and quotes: names with a slash, and YAML files."""
    named = set(re.findall(r"(?<![\w./])(?:[\w-]+/)+[\w.-]*|\b\w+\.yaml\b", DOC.replace("../", "")))
    return {path.rstrip("./:") for path in named}


def test_every_path_that_it_names_exists():
    assert set(SOURCES) <= paths()
    assert {path for path in paths() if not Path(path).exists() and path not in MADE} == set()


def test_its_links_lead_to_files():
    links = re.findall(r"\]\(([^)]+)\)", DOC)
    assert links and [link for link in links if not (Path("docs") / link).exists()] == []


@pytest.mark.parametrize("block", [text for kind, text in BLOCKS if kind != "console"])
def test_the_code_that_it_quotes_is_in_one_of_the_files(block):
    assert any(block in Path(source).read_text(encoding="utf-8") for source in SOURCES)


def test_the_files_that_a_stage_makes_are_those_of_dvc_yaml():
    assert set(MADE) == set(made_by(ENTRIES["colourisation"]))


def test_it_quotes_each_of_the_files():
    texts = {source: Path(source).read_text(encoding="utf-8") for source in SOURCES}
    quoted = {s for s, text in texts.items() for _, block in BLOCKS if block in text}
    assert quoted == set(SOURCES)
