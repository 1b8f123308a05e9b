"""README and docs: the files that they link to exist, the params that they suggest are valid.

test_documented_commands.py runs their commands.
"""

import importlib
import re
from pathlib import Path

import pytest
import yaml

from fundiff.pipeline.params import inherited, validate
from fundiff.views.registry import view_named

README = Path("README.md").read_text(encoding="utf-8")


def merged(section: dict, changes: dict) -> dict:
    """The section with the changes put into it, level by level."""
    deeper = {k: merged(section[k], v) for k, v in changes.items() if isinstance(v, dict) and k in section}
    return section | changes | deeper


@pytest.mark.parametrize("page", [Path("README.md"), *sorted(Path("docs").glob("*.md"))], ids=str)
def test_linked_files_exist(page):
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if "://" not in link and not (page.parent / link).exists()] == []


def test_params_that_it_suggests_are_valid():
    (block,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    params = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
    suggested = yaml.safe_load(block)
    assert len(suggested) >= 3
    for name, changes in suggested.items():
        kind = importlib.import_module(f"stages.{name}").Params
        validate(kind, name, inherited(kind, params) | merged(params[name], changes))
    for anagram in suggested["visual_anagrams"]["anagrams"].values():
        assert all(view_named(part["view"]).label for part in anagram)
