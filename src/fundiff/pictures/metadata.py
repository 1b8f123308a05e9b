"""Labels and panel positions stored in a figure's file, so that a page can show them as text. Does not import torch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from PIL import Image

TABLE = "Table"  # the text of a PNG that says which panels it has, and where
DESCRIPTION = 0x010E  # the EXIF tag of what a picture shows


def film_exif(labels: Sequence[str], about: str) -> bytes:
    """EXIF data that says what each frame of an animation shows, and what they all show."""
    exif = Image.Exif()
    exif[DESCRIPTION] = json.dumps({"about": about, "frames": list(labels)})
    return exif.tobytes().removeprefix(b"Exif\0\0")


def labels_of(film: Image.Image) -> tuple[list[str], str]:
    """What each frame of an animation shows, and what they all show; empty if the file does not say."""
    text = film.getexif().get(DESCRIPTION)
    try:
        told = json.loads(text) if text else {"frames": [], "about": ""}
        return list(told["frames"]), str(told["about"])
    except (TypeError, ValueError, KeyError):  # another program's description
        return [], ""


def table_of(figure: Image.Image) -> dict[str, Any] | None:
    """Labels of rows and columns, captions and panels of a figure; None if the file does not say.

    A panel is [left, top, width, height, enlargement], the first four in pixels of the figure.
    """
    text = getattr(figure, "text", {}).get(TABLE)
    return json.loads(text) if text else None
