"""Overheads that a user waits for: `dvc repro` with nothing to do, one changed param, the start of a stage.

DVC runs in copies of the project, so the workspace stays unchanged.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import yaml

from benchmarks.turn import Play, Turn, timed
from fundiff.pipeline.errors import UserError
from fundiff.pipeline.params import read_params
from fundiff.pipeline.stage import PIPELINES, files, stage_entries

ALL = (*PIPELINES, "prior/dvc.yaml")  # DVC reads every dvc.yaml of a project for any command


def shell(folder: str | Path, *command: str) -> str:
    """The output of a command, with this Python's bin folder first on PATH. Raises UserError with its last line if it fails."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command, cwd=folder, env=os.environ | {"PATH": path}, capture_output=True, text=True
    )
    if done.returncode:
        said = (done.stdout + done.stderr).strip().splitlines() or ["it said nothing"]
        raise UserError(f"{' '.join(command)[:60]}: {said[-1]}")
    return done.stdout + done.stderr


def clock(folder: str | Path, *command: str) -> float:
    """Seconds of a command."""
    return timed(lambda: shell(folder, *command))[0]


def outs(stage: dict[str, Any]) -> list[str]:
    """The paths that a stage makes, as dvc.yaml names them."""
    return files(stage, "outs", "metrics", "plots")


def stand_in(path: Path) -> None:
    """Make a small file, or a folder with one, if the path does not exist."""
    if not path.exists():
        path = path if path.suffix else path / "stand_in"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(path.name, encoding="utf-8")


def committed(folder: Path) -> None:
    """Make the folder a repository whose pipeline is up to date; missing outs become stand-ins."""
    for stage in stage_entries(folder, ALL).values():
        for out in outs(stage):
            stand_in(folder / out)
    shell(folder, "git", "init", "-q")
    shell(folder, "dvc", "commit", "-f", "-q", *PIPELINES)


def project_copy(folder: Path) -> Path:
    """A copy of the project and its outs, up to date."""
    command = ["git", "ls-files", "-z", "-co", "--exclude-standard"]
    names = subprocess.check_output(command, text=True).split("\0")
    made = [out for stage in stage_entries().values() for out in outs(stage)]
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
    """The same graph of stages and outs, with commands that do nothing and one-line files."""
    shutil.copytree(".dvc", folder / ".dvc", ignore=lambda *_: ["cache", "tmp", "config.local"])
    shutil.copy("params.yaml", folder)
    made = {out for stage in stage_entries(pipelines=ALL).values() for out in outs(stage)}
    for pipeline in ALL:
        (folder / pipeline).parent.mkdir(exist_ok=True)
        stages = stage_entries(pipelines=[pipeline])
        for stage in stages.values():
            deps = [
                dep for dep in stage.get("deps", []) if any(Path(out).is_relative_to(dep) for out in made)
            ]
            stage |= {"cmd": "true", "deps": deps}
            if stage.get("always_changed"):  # it always runs, and DVC would first remove its outs
                stage["outs"] = [{out: {"persist": True}} for out in outs(stage)]
        text = yaml.safe_dump({"stages": stages}, sort_keys=False)
        (folder / pipeline).write_text(text, encoding="utf-8")
    shutil.copy("prior/params.yaml", folder / "prior")
    committed(folder)
    return folder


def repeated_repro(folder: Path, temporary: tempfile.TemporaryDirectory) -> Play:
    """Seconds of `dvc repro` with nothing to do."""
    shell(folder, "dvc", "repro")

    def play(rival: Turn | None) -> Turn:
        return Turn(clock(temporary.name, "dvc", "repro"))

    return play


def noop_bare() -> Play:
    """`dvc repro` with nothing to do, in the bare graph."""
    temporary = tempfile.TemporaryDirectory()
    return repeated_repro(bare_graph(Path(temporary.name)), temporary)


def noop_fundiff() -> Play:
    """`dvc repro` with nothing to do, in the project."""
    temporary = tempfile.TemporaryDirectory()
    return repeated_repro(project_copy(Path(temporary.name)), temporary)


def one_param() -> Play:
    """Seconds from a changed guidance scale to the rebuilt report."""
    temporary = tempfile.TemporaryDirectory()
    folder, tries = project_copy(Path(temporary.name)), count(1)
    params = folder / "params.yaml"

    def play(rival: Turn | None) -> Turn:
        # A new value every turn: an old one would be restored from DVC's run cache.
        changed = rf"\g<1>{3 + 0.01 * next(tries):.2f}"
        pattern = r"(\nguidance:(?:\n  .*)*?\n  guidance_scale: )[\d.]+"
        text = re.sub(pattern, changed, params.read_text(encoding="utf-8"))
        params.write_text(text, encoding="utf-8")
        return Turn(clock(temporary.name, "dvc", "repro"))

    return play


def started(code: str) -> Play:
    """Seconds of a new Python that runs the code."""
    shell(".", sys.executable, "-c", code)

    def play(rival: Turn | None) -> Turn:
        return Turn(clock(".", sys.executable, "-c", code))

    return play


def imports() -> Play:
    """Seconds to import torch and diffusers, which Part A needs."""
    return started("import torch, diffusers")


def stage_start(stage: str) -> Play:
    """Seconds from a stage's command until its params are checked. They have an unknown key, so the stage ends there."""
    temporary = tempfile.TemporaryDirectory()
    folder, extra = Path(temporary.name), "no_key_of_a_stage"
    for name in ("src", "stages", *{Path(pipeline).parts[0] for pipeline in PIPELINES}):
        (folder / name).symlink_to(Path(name).resolve())
    sections = read_params()
    text = yaml.safe_dump(sections | {stage: (sections[stage] or {}) | {extra: 0}}, sort_keys=False)
    (folder / "params.yaml").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", f"stages.{stage}"]

    def play(rival: Turn | None) -> Turn:
        begin = partial(subprocess.run, command, cwd=temporary.name, capture_output=True, text=True)
        seconds, done = timed(begin)
        if f"{stage}.{extra} is not a key" not in done.stderr:
            raise UserError(f"{' '.join(command)}: {(done.stderr.splitlines() or ['it ran'])[-1]}")
        return Turn(seconds)

    return play
