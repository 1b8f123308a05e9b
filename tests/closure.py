"""What a file imports, also through other files. A room is a package of src/fundiff, or prior/making.

DVC does not follow imports, so dvc.yaml has to list the rooms that a stage reaches.
"""

import ast
from pathlib import Path

PACKAGES = {"fundiff": Path("src/fundiff"), "stages": Path("stages"), "prior": Path("prior")}


def project_file(module: str) -> Path | None:
    """The project's file of a dotted module name, or None for a module of another package."""
    package, *rest = module.split(".")
    if package not in PACKAGES:
        return None
    path = PACKAGES[package].joinpath(*rest)
    return next((p for p in (path.with_suffix(".py"), path / "__init__.py") if p.exists()), None)


def imported(path: Path) -> set[str]:
    """The dotted names that a file imports, anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return names


def project_imports(path: Path) -> set[Path]:
    """The project's files that a file imports."""
    return {file for name in imported(path) if (file := project_file(name))}


def closure(path: Path) -> set[str]:
    """All project files that running `path` may load, itself included."""
    seen: set[Path] = set()
    queue = [path]
    while queue:
        current = queue.pop()
        if current not in seen:
            seen.add(current)
            queue += project_imports(current)
    return {file.as_posix() for file in seen}


def room(path: Path) -> str:
    """The room of a library file (`src/fundiff/views`, `prior/making`); empty for files outside of the rooms."""
    parent = path.parent.as_posix()
    return (
        parent
        if parent == "prior/making" or (path.parts[:2] == ("src", "fundiff") and len(path.parts) > 3)
        else ""
    )


def code_deps(path: Path) -> set[str]:
    """What dvc.yaml must list for a stage's file: the rooms that it reaches, and the stages' files."""
    files = {Path(file) for file in closure(path)}
    own = {f.as_posix() for f in files if not room(f) and f.name != "__init__.py"}
    return own | {room(f) for f in files} - {""}
