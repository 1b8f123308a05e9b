"""What a figure's file tells of itself, so that a page can lay it out with words of its own. Imports no torch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from PIL import Image

TABLE = "Table"  # the text of a PNG that says which panels it has, and where
DESCRIPTION = 0x010E  # the EXIF tag of what a picture shows


def film_exif(labels: Sequence[str], about: str) -> bytes:
    """EXIF that says what each frame of a film shows, and what all do."""
    exif = Image.Exif()
    exif[DESCRIPTION] = json.dumps({"about": about, "frames": list(labels)})
    return exif.tobytes().removeprefix(b"Exif\0\0")


def labels_of(film: Image.Image) -> tuple[list[str], str]:
    """What each frame of a film shows, and what all do; nothing where the file does not tell."""
    text = film.getexif().get(DESCRIPTION)
    try:
        told = json.loads(text) if text else {"frames": [], "about": ""}
        return list(told["frames"]), str(told["about"])
    except (TypeError, ValueError, KeyError):  # another program's description
        return [], ""


def table_of(figure: Image.Image) -> dict[str, Any] | None:
    """Labels of rows and columns, captions and panels of a figure; None where the file does not tell.

    A panel is left, top, width and height in the figure, and how often its pixels are enlarged.
    """
    text = getattr(figure, "text", {}).get(TABLE)
    return json.loads(text) if text else None
