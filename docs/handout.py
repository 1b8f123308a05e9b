"""A version of the project without solutions: `python docs/handout.py FOLDER`.

It copies what git tracks, takes the bodies out of the functions that students write, and leaves signatures, docstrings
and tests. Pages and figures that show the solutions' source or results are left out.
"""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

EXERCISES = {
    "src/fundiff/process/paths.py": ["Path.forward", "Path.x0_of", "Path.eps_of"],
    "src/fundiff/sampling/loop.py": ["denoise"],
    "src/fundiff/sampling/steps.py": ["ancestral", "euler"],
    "src/fundiff/sampling/estimators.py": ["guided", "anagram", "factorized", "hybrid"],
    "src/fundiff/sampling/constraints.py": ["keep"],
    "src/fundiff/techniques/generation.py": ["generated"],
    "src/fundiff/techniques/sdedit.py": ["sdedit"],
    "src/fundiff/techniques/inpainting.py": ["inpaint"],
    "src/fundiff/techniques/anagrams.py": ["draw_anagram"],
    "src/fundiff/techniques/hybrids.py": ["draw_hybrid"],
    "src/fundiff/digits/unet.py": ["UNet.encode", "UNet.decode", "UNet.condition"],
}
LEFT_OUT = (
    "report/index.html", "report/draw.html", "report/figures/", "metrics/",
    "dvc.lock", "part_a/dvc.lock", "beyond/dvc.lock", "flow/dvc.lock", "digits/dvc.lock",
    "benchmarks/", "tests/benchmarks/",  # the complete notebooks of the course
)  # fmt: skip


def functions(text: str) -> dict[str, ast.FunctionDef]:
    """The functions and methods of a module by dotted name."""
    found: dict[str, ast.FunctionDef] = {}
    for node in ast.parse(text).body:
        inner = node.body if isinstance(node, ast.ClassDef) else [node]
        before = f"{node.name}." if isinstance(node, ast.ClassDef) else ""
        found |= {f"{before}{one.name}": one for one in inner if isinstance(one, ast.FunctionDef)}
    return found


def without(text: str, names: list[str]) -> str:
    """A module's source in which the named functions have their docstring and nothing else."""
    lines, known = text.splitlines(), functions(text)
    for function in sorted((known[name] for name in names), key=lambda one: -one.lineno):
        first = function.body[1 if ast.get_docstring(function) else 0]
        indent = " " * first.col_offset
        start = min([first.lineno, *(d.lineno for d in getattr(first, "decorator_list", []))]) - 1
        lines[start : function.end_lineno] = [f'{indent}raise NotImplementedError("{function.name}")']
    return "\n".join(lines) + "\n"


def hand_out(root: Path, folder: Path) -> int:
    """Copy the project into a new folder without the solutions; returns the number of functions left to write."""
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=True)
    for path in tracked.stdout.split("\0"):
        if path and not path.startswith(LEFT_OUT) and (root / path).is_file():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / path, folder / path)
    for path, names in EXERCISES.items():
        text = (root / path).read_text(encoding="utf-8")
        (folder / path).write_text(without(text, names), encoding="utf-8", newline="\n")
    return sum(map(len, EXERCISES.values()))


if __name__ == "__main__":
    if len(sys.argv) != 2 or Path(sys.argv[1]).exists():
        sys.exit("usage: python docs/handout.py FOLDER, a folder that is not there yet")
    count = hand_out(Path(__file__).resolve().parents[1], Path(sys.argv[1]))
    print(f"{sys.argv[1]}: {count} functions to write; see docs/teaching.md")
