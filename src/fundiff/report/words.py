"""Params, numbers and pictures in words."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from fundiff.pictures.names import slug
from fundiff.report.results import Stage


def departures(profile: str, params: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    """Params unlike the profile's (`-S section.key=value`): section, key, value here, value there."""
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
    """A measured number with three digits, or all that stand before the point; words as they are."""
    if not isinstance(value, int | float):
        return str(value)
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def prompt_of(key: str, stages: dict[str, Stage]) -> str:
    """The prompt of which a file's name is the slug; the name's words where no stage has such a prompt."""
    texts = [text for stage in stages.values() for text in stage.params.get("prompts", [])]
    return next((text for text in texts if slug(text) == key), key.replace("_", " "))


def caption(path: str, stages: dict[str, Stage]) -> str:
    """What a picture that a stage kept shows, by the file's name: `a rocket ship`, or `crab as "a photo", level 7`."""
    stage, name = Path(Path(path).parts[2]).stem, Path(path).stem
    if drawn := re.fullmatch(r"(.+)_\d+_steps", name):
        return prompt_of(drawn[1], stages)
    if edited := re.fullmatch(r"(.+)_level_(\d+)", name):
        params = stages[stage].params if stage in stages else {}
        prompt = params.get("examples", {}).get(edited[1], {}).get("prompt") or params.get("prompt", stage)
        return f"{edited[1].replace('_', ' ')} as “{prompt}”, level {int(edited[2])}"
    return (stage if stage.startswith(name) else f"{stage}: {name}").replace("_", " ")
