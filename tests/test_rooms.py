"""Which room (a package of src/fundiff) may import which. A room imports only rooms before it, so there is no cycle."""

import ast
import re
from pathlib import Path

import pytest

from tests.closure import project_imports, room

# In this order: a room may import only those before it.
ROOMS = (
    "pipeline", "process", "pictures", "views", "sampling", "prior", "digits", "judge", "critic", "report", "techniques",
)  # fmt: skip
MODULES = sorted(path for path in Path("src/fundiff").rglob("*.py") if room(path))


def arrows() -> dict[tuple[str, str], set[str]]:
    """(room, imported room) -> the imports, module by module."""
    found: dict[tuple[str, str], set[str]] = {}
    for path in MODULES:
        for other in project_imports(path):
            pair = (path.parent.name, other.parent.name)
            if room(other) and pair[0] != pair[1]:
                found.setdefault(pair, set()).add(f"{path} imports {other}")
    return found


def test_the_rooms_are_these():
    assert {
        path.name for path in Path("src/fundiff").iterdir() if path.is_dir() and path.name != "__pycache__"
    } == set(ROOMS)
    assert [p.name for p in Path("src/fundiff").glob("*.py")] == ["__init__.py"]


def test_no_room_imports_one_that_stands_above_it():
    wrong = [sorted(why) for (a, b), why in arrows().items() if ROOMS.index(b) > ROOMS.index(a)]
    assert wrong == []


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_no_module_imports_a_stage_or_what_makes_the_prior(path):
    assert not [p for p in project_imports(path) if p.parts[0] in ("stages", "prior")]


@pytest.mark.parametrize("path", sorted(Path("src/fundiff").rglob("__init__.py")), ids=str)
def test_a_package_imports_nothing_by_itself(path):
    """A stage depends on the rooms that it reaches. If a package imported its own modules, the stage would reach more rooms."""
    assert project_imports(path) == set()


BENCHMARKS = sorted(Path("benchmarks").glob("*.py"))


def imported_by_name(path: Path) -> list[str]:
    """The strings in a file with which it, or a Python process that it starts, would import a stage."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    texts = [ast.unparse(arg) for call in calls for arg in call.args if named(call.func) in IMPORTING]
    texts += [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.search(r"\bimport\b|\bfrom\b", node.value)
    ]
    return [text for text in texts if re.search(r"\bstages(\.|\b import)", text)]


IMPORTING = {"import_module", "__import__", "find_spec", "run_module"}


def named(function: ast.expr) -> str:
    """The last part of the name of the called function."""
    return ast.unparse(function).rsplit(".", 1)[-1]


@pytest.mark.parametrize("path", BENCHMARKS, ids=str)
def test_benchmarks_import_the_library_and_no_stage(path):
    assert not [other for other in project_imports(path) if other.parts[0] == "stages"]
    assert imported_by_name(path) == []


@pytest.mark.parametrize(
    "line",
    [
        'importlib.import_module(f"stages.{name}")',
        '__import__("stages.sdedit")',
        'run("python", "-c", f"import stages.{name} as s")',
        'run("from stages import sdedit")',
    ],
)
def test_an_import_by_name_is_found(tmp_path, line):
    (tmp_path / "one.py").write_text(line, encoding="utf-8")
    assert imported_by_name(tmp_path / "one.py")
