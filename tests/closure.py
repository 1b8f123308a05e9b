"""Which project files a stage really imports: DVC does not follow imports, so dvc.yaml has to list them all."""

import ast
from pathlib import Path

PACKAGES = {"fundiff": Path("src/fundiff"), "stages": Path("stages")}


def project_file(module: str) -> Path | None:
    """The project's file of a dotted module name, or None for another's module."""
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


def closure(path: Path) -> set[str]:
    """All project files that running `path` may load, itself and its packages included."""
    seen: set[Path] = set()
    queue = [path]
    while queue:
        current = queue.pop()
        if current in seen:
            continue
        seen.add(current)
        queue += [file for name in imported(current) if (file := project_file(name))]
        queue += [init for init in [current.parent / "__init__.py"] if init.exists()]
    return {file.as_posix() for file in seen}
