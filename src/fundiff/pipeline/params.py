import difflib
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from fundiff.pipeline.errors import UserError


class Section(BaseModel):
    """One section of params.yaml, of the name of its stage; unknown keys and wrong types are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


S = TypeVar("S", bound=Section)


def nearest(name: str, known: list[str]) -> str:
    """The end of an error message that names the known name closest to a mistyped one, or all of them."""
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known are {', '.join(sorted(known))}"


def validate(kind: type[S], name: str, values: Any, source: str = "params.yaml") -> S:
    """`values` as a section of the given kind. Raises UserError naming section, key, value and what was expected."""
    try:
        return kind.model_validate(values if values is not None else {})
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in (name, *first["loc"]))
        if first["type"] == "extra_forbidden":
            problem = f"is not a key of {name}; {nearest(str(first['loc'][-1]), list(kind.model_fields))}"
        elif first["type"] == "missing":
            problem = "is missing"
        else:
            expected = first["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
            problem = f"is {first['input']!r}; expected {expected}"
        raise UserError(f"{source}: {key} {problem}") from None


def read_params(path: str | Path = "params.yaml") -> dict[str, Any]:
    """All sections of params.yaml. Raises UserError where the file is missing or not YAML."""
    try:
        return yaml.safe_load(Path(path).read_text(encoding="utf-8")) or {}
    except FileNotFoundError:
        raise UserError(f"{path}: not found; run from the project's root folder") from None
    except yaml.YAMLError as error:
        where = getattr(error, "problem_mark", None)
        raise UserError(f"{path}: not valid YAML{f' at line {where.line + 1}' if where else ''}") from None


BASE = "base"  # the section whose keys the stages inherit


def inherited(kind: type[Section], sections: dict[str, Any]) -> dict[str, Any]:
    """What a section of this kind takes from `base` where it says nothing itself: the keys that it knows."""
    base = sections.get(BASE) or {}
    return {key: value for key, value in base.items() if key in kind.model_fields}


def load_section(kind: type[S], name: str, known: list[str], path: str | Path = "params.yaml") -> S:
    """The section `name` of params.yaml over what it inherits; `known` are the names of all sections."""
    sections = read_params(path)
    for other in sections:
        if other not in (BASE, *known):
            raise UserError(f"{path}: {other} is not a section; {nearest(other, known)}")
    if name not in sections:
        raise UserError(f"{path}: the section {name} is missing")
    own = {} if sections[name] is None else sections[name]
    values = inherited(kind, sections) | own if isinstance(own, dict) else own
    return validate(kind, name, values, str(path))
