"""The source of a function, shown beside its equation. It is read without an import, which would load torch."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from textwrap import dedent

from fundiff.pipeline.errors import UserError


@dataclass(frozen=True)
class Code:
    """A function's name, its file from the project's root, and its source as `inspect.getsource` gives it."""

    name: str
    path: str
    text: str


def found(tree: ast.AST, name: str) -> ast.FunctionDef | ast.ClassDef | None:
    """The function or class of a dotted name."""
    first, _, rest = name.partition(".")
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == first:
            return found(node, rest) if rest else node
    return None


parsed = lru_cache(maxsize=32)(ast.parse)  # several functions of one module are shown


def source_of(place: str) -> Code:
    """The code of `package.module:function` or `package.module:Class.method`. Raises UserError if it does not exist."""
    module, _, name = place.partition(":")
    try:
        spec = find_spec(module)
    except ModuleNotFoundError:
        spec = None
    if spec is None or spec.origin is None:
        raise UserError(f"report/template: {place}: no such module; the report shows its source")
    text = Path(spec.origin).read_text(encoding="utf-8")
    lines, node = text.splitlines(keepends=True), found(parsed(text), name)
    if node is None:
        raise UserError(f"report/template: {place}: no such function; the report shows its source")
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    text = dedent("".join(lines[first - 1 : node.end_lineno]))
    return Code(name, f"src/{module.replace('.', '/')}.py", text)
