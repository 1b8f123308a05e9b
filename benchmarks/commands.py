"""What a user waits for around the work itself: `dvc repro` with nothing to do, one changed param, a stage's start.

DVC runs in copies: the workspace is left as it is.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from itertools import count
from pathlib import Path
from typing import Any

import yaml

from benchmarks.turn import Play, Turn, timed
from fundiff.pipeline.errors import UserError
from fundiff.pipeline.stage import files

PIPELINES = ("dvc.yaml", "prior/dvc.yaml")


def shell(folder: str | Path, *command: str) -> None:
    """Run a command with this Python's own programs. Raises UserError with its last line where it fails."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command, cwd=folder, env=os.environ | {"PATH": path}, capture_output=True, text=True
    )
    if done.returncode:
        said = (done.stdout + done.stderr).strip().splitlines() or ["it said nothing"]
        raise UserError(f"{' '.join(command)[:60]}: {said[-1]}")


def clock(folder: str | Path, *command: str) -> float:
    """Seconds of a command."""
    return timed(lambda: shell(folder, *command))[0]


def outs(stage: dict[str, Any]) -> list[str]:
    """The paths that a stage makes, as dvc.yaml names them."""
    return files(stage, "outs", "metrics", "plots")


def stand_in(path: Path) -> None:
    """A file, or a folder of one file, where there is nothing yet."""
    if not path.exists():
        path = path if path.suffix else path / "stand_in"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(path.name, encoding="utf-8")


def committed(folder: Path) -> None:
    """The folder as a repository whose pipeline is up to date, with stand-ins for what no stage has made here."""
    for pipeline in PIPELINES:
        for stage in yaml.safe_load((folder / pipeline).read_text(encoding="utf-8"))["stages"].values():
            for out in outs(stage):
                stand_in((folder / pipeline).parent / out)
    shell(folder, "git", "init", "-q")
    shell(folder, "dvc", "commit", "-f", "-q", "dvc.yaml")


def project_copy(folder: Path) -> Path:
    """A copy of the project with what its stages have made, up to date."""
    command = ["git", "ls-files", "-z", "-co", "--exclude-standard"]
    names = subprocess.check_output(command, text=True).split("\0")
    made = [out for s in yaml.safe_load(Path("dvc.yaml").read_text())["stages"].values() for out in outs(s)]
    for name in filter(os.path.exists, filter(None, [*names, *made])):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if Path(name).is_dir():
            shutil.copytree(name, target, dirs_exist_ok=True)
        else:
            shutil.copy(name, target)
    committed(folder)
    return folder


def bare_graph(folder: Path) -> Path:
    """The same stages and what they hand to each other, with commands that do nothing and files of a line."""
    shutil.copytree(".dvc", folder / ".dvc", ignore=lambda *_: ["cache", "tmp", "config.local"])
    shutil.copy("params.yaml", folder)
    (folder / "prior").mkdir()
    shutil.copy("prior/params.yaml", folder / "prior")
    for pipeline in PIPELINES:
        stages = yaml.safe_load(Path(pipeline).read_text(encoding="utf-8"))["stages"]
        made = {out for stage in stages.values() for out in outs(stage)}
        for stage in stages.values():
            stage |= {"cmd": "true", "deps": [dep for dep in stage.get("deps", []) if dep in made]}
        text = yaml.safe_dump({"stages": stages}, sort_keys=False)
        (folder / pipeline).write_text(text, encoding="utf-8")
    committed(folder)
    return folder


def repeated_repro(folder: Path, keep: tempfile.TemporaryDirectory) -> Play:
    """Seconds of a `dvc repro` that finds nothing to do."""
    shell(folder, "dvc", "repro")

    def play(rival: Turn | None) -> Turn:
        return Turn(clock(keep.name, "dvc", "repro"))

    return play


def noop_bare() -> Play:
    """The bare graph's."""
    keep = tempfile.TemporaryDirectory()
    return repeated_repro(bare_graph(Path(keep.name)), keep)


def noop_fundiff() -> Play:
    """The project's."""
    keep = tempfile.TemporaryDirectory()
    return repeated_repro(project_copy(Path(keep.name)), keep)


def one_param() -> Play:
    """Seconds from a changed guidance scale to the rebuilt report."""
    keep = tempfile.TemporaryDirectory()
    folder, tries = project_copy(Path(keep.name)), count(1)
    params = folder / "params.yaml"

    def play(rival: Turn | None) -> Turn:
        # A value that was there before would come from DVC's run cache.
        changed = rf"\g<1>{3 + 0.01 * next(tries):.2f}"
        pattern = r"(\nguidance:(?:\n  .*)*?\n  guidance_scale: )[\d.]+"
        text = re.sub(pattern, changed, params.read_text(encoding="utf-8"))
        params.write_text(text, encoding="utf-8")
        return Turn(clock(keep.name, "dvc", "repro"))

    return play


def started(code: str) -> Play:
    """Seconds of a Python that runs a line of code."""
    shell(".", sys.executable, "-c", code)

    def play(rival: Turn | None) -> Turn:
        return Turn(clock(".", sys.executable, "-c", code))

    return play


def imports() -> Play:
    """Loading torch and diffusers, which Part A needs."""
    return started("import torch, diffusers")


def stage_start(stage: str) -> Play:
    """A stage until its main begins: its imports and its params."""
    code = f"import stages.{stage} as s; from fundiff.pipeline.params import load_section as load; "
    return started(
        code + f"from fundiff.pipeline.stage import stage_names; load(s.Params, {stage!r}, stage_names())"
    )
