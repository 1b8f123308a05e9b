"""Params, numbers and names of pictures as text."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from fundiff.pictures.names import slug
from fundiff.report.results import Stage


def departures(profile: str, params: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    """Params that differ from a profile's (`-S section.key=value`): section, key, value here, value in the profile."""
    rows = []
    for key, text in re.findall(r"-S\s+([\w.]+)=(\S+)", profile):
        here: Any = params
        for part in key.split("."):
            here = here.get(part) if isinstance(here, dict) else None
        there = yaml.safe_load(text)
        if here != there:
            section, _, name = key.partition(".")
            rows.append((section, name, shown(here), shown(there)))
    return rows


def shown(value: Any) -> str:
    """A param's value as text."""
    if isinstance(value, list):
        return "[" + ", ".join(map(shown, value)) + "]"
    return "not set" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def figure(value: Any) -> str:
    """A number with three digits, or with all digits before the point; text is returned as it is."""
    if not isinstance(value, int | float):
        return str(value)
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def prompt_of(key: str, stages: dict[str, Stage]) -> str:
    """The prompt whose slug is a part of a file's name; the words of the name if no stage has such a prompt."""
    texts = [text for stage in stages.values() for text in stage.params.get("prompts", [])]
    return next((text for text in texts if slug(text) == key), key.replace("_", " "))


def caption(path: str, stages: dict[str, Stage]) -> str:
    """A caption from the name of a picture's file: `a rocket ship`, or `crab as "a photo", level 7`."""
    stage, name = Path(Path(path).parts[2]).stem, Path(path).stem
    if drawn := re.fullmatch(r"(.+)_\d+_steps", name):
        return prompt_of(drawn[1], stages)
    if edited := re.fullmatch(r"(.+)_level_(\d+)", name):
        params = stages[stage].params if stage in stages else {}
        prompt = params.get("examples", {}).get(edited[1], {}).get("prompt") or params.get("prompt", stage)
        return f"{edited[1].replace('_', ' ')} as “{prompt}”, level {int(edited[2])}"
    return (stage if stage.startswith(name) else f"{stage}: {name}").replace("_", " ")
