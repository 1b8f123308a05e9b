"""Reads params.yaml with DVC's parser and checks its sections. A mistake gives one line of error before any work."""

import difflib
import re
from collections.abc import Collection
from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from ruamel.yaml import YAML, YAMLError

from fundiff.pipeline.errors import UserError


class Section(BaseModel):
    """A section of params.yaml, named after its stage. Unknown keys and wrong types are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


S = TypeVar("S", bound=Section)
T = TypeVar("T")
# Endings that stages add to a name: one name gives several files.
ENDINGS = re.compile(r"(_original|_large|_level_\d+|_\d+_steps)$")


def checked_name(name: str) -> str:
    """A name that is a valid file name on every system. Raises ValueError for another."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name):
        raise ValueError("a name of 1 to 64 letters, digits, _ or -")
    return name


def apart(things: dict[str, T]) -> dict[str, T]:
    """The same things; their names must give different files on every system. Raises ValueError if two give one file."""
    folded: dict[str, str] = {}
    for name in things:
        if (other := folded.setdefault(name.casefold(), name)) != name:
            raise ValueError(
                f"names that differ in more than case; {other!r} and {name!r} are one file on a Mac"
            )
    for name in things:
        whole = ENDINGS.sub("", name.casefold())
        if whole != name.casefold() and whole in folded:
            raise ValueError(
                f"names of different files; {name!r} is also what a stage calls a file of {folded[whole]!r}"
            )
    return things


Name = Annotated[str, AfterValidator(checked_name)]
Named = Annotated[dict[Name, T], Field(min_length=1), AfterValidator(apart)]


def nearest(name: str, known: list[str]) -> str:
    """The end of an error message: the known name closest to a mistyped one, or the list of all."""
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known are {', '.join(sorted(known)) or 'none'}"


def shortened(value: Any, length: int = 80) -> str:
    """A value as text for an error message, cut to `length` characters."""
    text = repr(value)
    return text if len(text) <= length else f"{text[:length]}..."


def validate(kind: type[S], name: str, values: Any, source: str = "params.yaml") -> S:
    """`values` as a section of the given kind. Raises UserError with section, key, value, and what was expected."""
    try:
        return kind.model_validate(values if values is not None else {})
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in (name, *first["loc"]) if part != "[key]")
        if first["type"] == "extra_forbidden":
            problem = f"is not a key of {name}; {nearest(str(first['loc'][-1]), list(kind.model_fields))}"
        elif first["type"] == "missing":
            problem = "is missing"
        else:
            expected = first["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
            problem = f"is {shortened(first['input'])}; expected {expected}"
        raise UserError(f"{source}: {key[:200]} {problem}") from None


@lru_cache(maxsize=16)
def parsed(text: str) -> Any:
    """YAML 1.2 as DVC reads it; cached, because a stage reads the same few files many times."""
    return YAML(typ="safe").load(text)


def read_yaml(path: str | Path) -> dict[str, Any]:
    """The mapping in a YAML file, read as DVC does: YAML 1.2, UTF-8, no duplicate keys. Raises UserError."""
    try:
        read = deepcopy(parsed(Path(path).read_text(encoding="utf-8-sig")))
    except FileNotFoundError:
        raise UserError(f"{path}: not found; run from the project's root folder") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); make it a readable file") from None
    except UnicodeDecodeError:
        raise UserError(f"{path}: not UTF-8; save it in that encoding") from None
    except (YAMLError, ValueError, RecursionError) as error:
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
        where = f" at line {mark.line + 1}" if mark else ""
        raise UserError(f"{path}: not valid YAML{where}: {problem or type(error).__name__}") from None
    if read is not None and not isinstance(read, dict):
        raise UserError(
            f"{path}: is a {type(read).__name__}; expected sections, each a name with its keys below"
        )
    return read or {}


def read_params(path: str | Path = "params.yaml") -> dict[str, Any]:
    """All sections of params.yaml. Raises UserError if the file is missing or not valid."""
    return read_yaml(path)


BASE = "base"  # the section whose keys the stages inherit


def inherited(kind: type[Section], sections: dict[str, Any]) -> dict[str, Any]:
    """The keys of `base` that a section of this kind knows, with their values. Raises UserError."""
    base = sections.get(BASE) or {}
    if not isinstance(base, dict):
        raise UserError(
            f"params.yaml: {BASE} is {shortened(base)}; expected the keys that the stages inherit"
        )
    return {key: value for key, value in base.items() if key in kind.model_fields}


def inherited_by_some(base: Any, inheritable: Collection[str]) -> None:
    """Raises UserError for a key of `base` that no stage inherits, which would change nothing."""
    for key in base if isinstance(base, dict) else ():
        if key not in inheritable:
            raise UserError(
                f"params.yaml: {BASE}.{str(key)[:80]} is not a key that a stage inherits; "
                f"{nearest(str(key), list(inheritable))}"
            )


def load_section(
    kind: type[S],
    name: str,
    known: list[str],
    path: str | Path = "params.yaml",
    inheritable: Collection[str] | None = None,
) -> S:
    """The section `name` of params.yaml, with what it inherits. Raises UserError.

    known: the names of all sections. inheritable: the keys that `base` may have; None allows any.
    """
    sections = read_params(path)
    if inheritable is not None:
        inherited_by_some(sections.get(BASE), inheritable)
    for other in sections:
        if other not in (BASE, *known):
            raise UserError(f"{path}: {str(other)[:80]} is not a section; {nearest(str(other), known)}")
    if name not in sections:
        raise UserError(f"{path}: the section {name} is missing")
    own = {} if sections[name] is None else sections[name]
    values = inherited(kind, sections) | own if isinstance(own, dict) else own
    return validate(kind, name, values, str(path))
