"""File names made from prompts, and the names of samplers in labels."""

from __future__ import annotations

import re
from collections.abc import Iterable

from fundiff.pipeline.errors import UserError

LONGEST = 60  # characters of a name
SAMPLERS = {"ddim": "DDIM", "dpm_solver": "DPM-Solver++"}


def sampler_label(name: str) -> str:
    """A sampler's name as papers write it."""
    return SAMPLERS.get(name, name)


def slug(text: str) -> str:
    """A prompt as part of a file name: its words in lower case, joined by `_`, at most LONGEST characters."""
    return "_".join(re.findall(r"[^\W_]+", text.lower()))[:LONGEST].rstrip("_") or "empty"


def slugs(texts: Iterable[str]) -> dict[str, str]:
    """Text -> slug. Raises UserError if two texts have the same slug, since one file would overwrite the other."""
    found: dict[str, str] = {}
    for text in texts:
        same = next((other for other, name in found.items() if name == slug(text) and other != text), None)
        if same is not None:
            raise UserError(
                f"params.yaml: {same!r} and {text!r} would share the file name {slug(text)!r}; change one"
            )
        found[text] = slug(text)
    return found
