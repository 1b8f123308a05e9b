"""params.yaml, read as DVC reads it, and its sections, checked: every mistake is one line before any work."""

import difflib
import re
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from ruamel.yaml import YAML, YAMLError

from fundiff.pipeline.errors import UserError


class Section(BaseModel):
    """One section of params.yaml, of the name of its stage; unknown keys and wrong types are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


S = TypeVar("S", bound=Section)
T = TypeVar("T")
# What stages add to a name for further files of the same thing.
ENDINGS = re.compile(r"(_original|_large|_level_\d+|_\d+_steps)$")


def checked_name(name: str) -> str:
    """The name of a file that a stage writes, as every system takes it. Raises ValueError for another."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name):
        raise ValueError("a name of 1 to 64 letters, digits, _ or -")
    return name


def apart(things: dict[str, T]) -> dict[str, T]:
    """Things whose names make different files on every system. Raises ValueError where two would be one."""
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
    """The end of an error message that names the known name closest to a mistyped one, or all of them."""
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known are {', '.join(sorted(known)) or 'none'}"


def shortened(value: Any, length: int = 80) -> str:
    """A value as an error message quotes it."""
    text = repr(value)
    return text if len(text) <= length else f"{text[:length]}..."


def validate(kind: type[S], name: str, values: Any, source: str = "params.yaml") -> S:
    """`values` as a section of the given kind. Raises UserError naming section, key, value and what was expected."""
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


def read_yaml(path: str | Path) -> dict[str, Any]:
    """A YAML file's mapping, by the parser that DVC uses: YAML 1.2, UTF-8, no key twice. Raises UserError."""
    try:
        read = YAML(typ="safe").load(Path(path).read_text(encoding="utf-8-sig"))
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
    """All sections of params.yaml. Raises UserError where the file is missing or not as DVC reads it."""
    return read_yaml(path)


BASE = "base"  # the section whose keys the stages inherit


def inherited(kind: type[Section], sections: dict[str, Any]) -> dict[str, Any]:
    """What a section of this kind takes from `base` where it says nothing itself: the keys that it knows. Raises UserError."""
    base = sections.get(BASE) or {}
    if not isinstance(base, dict):
        raise UserError(
            f"params.yaml: {BASE} is {shortened(base)}; expected the keys that the stages inherit"
        )
    return {key: value for key, value in base.items() if key in kind.model_fields}


def load_section(kind: type[S], name: str, known: list[str], path: str | Path = "params.yaml") -> S:
    """The section `name` of params.yaml over what it inherits; `known` are the names of all sections."""
    sections = read_params(path)
    for other in sections:
        if other not in (BASE, *known):
            raise UserError(f"{path}: {str(other)[:80]} is not a section; {nearest(str(other), known)}")
    if name not in sections:
        raise UserError(f"{path}: the section {name} is missing")
    own = {} if sections[name] is None else sections[name]
    values = inherited(kind, sections) | own if isinstance(own, dict) else own
    return validate(kind, name, values, str(path))
