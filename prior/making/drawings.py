"""Openly licensed drawings: the files in the packages, the concept that each shows, and its cut-out as pixels."""

from __future__ import annotations

import io
import json
import re
import subprocess
import tarfile
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import resvg_py
from PIL import Image

from fundiff.pipeline.errors import UserError
from prior.making.compose import FLUENT_3D

GROUPS = (
    0,
    1,
    3,
    4,
    5,
    6,
    7,
)  # emojibase: faces, people, animals, food, travel, activities, objects; no flags, symbols
SIDE = 64  # the longer side of a cut-out in pixels
OPENCLIPART = "openclipart"
PRIVATE = ("logos", "unsorted", "flags", "signs_and_symbols", "special", "buttons", "shapes")


@dataclass(frozen=True)
class Drawing:
    """One drawing of one concept: SVG text or an encoded bitmap, its set, and further words for it."""

    concept: str
    set: str
    source: str | bytes
    keywords: tuple[str, ...] = ()


def squash(name: str) -> str:
    """A name reduced to its ASCII letters and digits. The sets spell names differently and agree only in this form."""
    ascii_name = unicodedata.normalize("NFKD", name.lower()).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]", "", ascii_name)


class Names:
    """The concepts of emojibase (label, code points, keywords), found by any set's spelling of a name."""

    def __init__(self, labels: list[dict], shortcodes: Iterable[dict], keywords: dict[str, list[str]]):
        kept = [
            d for d in labels if d.get("group") in GROUPS and not re.search(r"o.clock|-thirty", d["label"])
        ]
        self.label = {d["hexcode"]: d["label"] for d in kept}
        self.alias: dict[str, str] = {}
        self.keywords: dict[str, tuple[str, ...]] = {}
        for entry in kept:
            self.alias.setdefault(squash(entry["label"]), entry["label"])
            words = [*entry.get("tags", ()), *keywords.get(entry["emoji"], ())]
            words = [word.replace("_", " ").lower() for word in words]
            self.keywords[entry["label"]] = tuple(
                dict.fromkeys(w for w in words if re.fullmatch(r"[a-z ]{3,20}", w))
            )
        for table in shortcodes:
            for code, names in table.items():
                if code in self.label:
                    for name in [names] if isinstance(names, str) else names:
                        self.alias.setdefault(squash(name), self.label[code])

    def find(self, name: str) -> str | None:
        """The concept that a set calls by this name ("snow-capped-mountain"), or None."""
        return self.alias.get(squash(name))

    def find_code(self, code: str) -> str | None:
        """The concept with these code points (joined by hyphens; the variation selector may be missing), or None."""
        upper = code.upper()
        return self.label.get(upper) or self.label.get(upper.replace("-FE0F", ""))


def read_member(package: Path, member: str) -> bytes:
    """The bytes of one file in an npm package. Raises UserError if the package has no such file."""
    with tarfile.open(package) as archive:
        try:
            return archive.extractfile(f"package/{member}").read()  # type: ignore[union-attr]
        except KeyError:
            raise UserError(f"{package}: holds no {member}; fetch it again") from None


def read_names(emojibase: Path, emojilib: Path) -> Names:
    """The concepts, from the packages emojibase-data and emojilib."""
    shortcodes = []
    with tarfile.open(emojibase) as archive:
        for entry in sorted(archive.getnames()):
            if re.fullmatch(r"package/en/shortcodes/\w[\w-]*\.json", entry):
                shortcodes.append(json.load(archive.extractfile(entry)))  # type: ignore[arg-type]
    labels = json.loads(read_member(emojibase, "en/data.json"))
    return Names(labels, shortcodes, json.loads(read_member(emojilib, "dist/emoji-en-US.json")))


def iconify_drawings(package: Path, names: Names) -> Iterator[Drawing]:
    """The drawings of an @iconify-json package, one per concept.

    Variants by skin tone have no concept's name and are left out.
    """
    icons = json.loads(read_member(package, "icons.json"))
    seen = set()
    for name, icon in icons["icons"].items():
        concept = names.find(name)
        if concept is None or concept in seen:
            continue
        seen.add(concept)
        box = [
            icon.get(k, icons.get(k, d)) for k, d in (("left", 0), ("top", 0), ("width", 16), ("height", 16))
        ]
        svg = (
            '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
            f'viewBox="{" ".join(map(str, box))}">{icon["body"]}</svg>'
        )
        yield Drawing(concept, icons["prefix"], svg, names.keywords[concept])


def bitmap_drawings(package: Path, names: Names) -> Iterator[Drawing]:
    """The drawings of the 3D set: WebP files named by code points."""
    with tarfile.open(package) as archive:
        for entry in archive:
            concept = names.find_code(Path(entry.name).stem) if entry.name.endswith(".webp") else None
            if concept is not None:
                picture = archive.extractfile(entry).read()  # type: ignore[union-attr]
                yield Drawing(concept, FLUENT_3D, picture, names.keywords[concept])


def clipart_drawings(package: Path, names: Names) -> Iterator[Drawing]:
    """The public-domain drawings of Openclipart whose file name begins with a concept's name."""
    listing = subprocess.run(
        ["dpkg-deb", "--fsys-tarfile", str(package)], capture_output=True, check=True
    ).stdout
    with tarfile.open(fileobj=io.BytesIO(listing)) as archive:
        for entry in archive:
            path = Path(entry.name)
            if (
                path.suffix != ".svg"
                or set(path.parts) & set(PRIVATE)
                or "_bw" in path.stem
                or not entry.isfile()
            ):
                continue
            words = re.split(r"[^a-z]+", path.stem.lower())
            concept = next((c for n in (3, 2, 1) if (c := names.find("".join(words[:n])))), None)
            svg = archive.extractfile(entry).read().decode("utf-8", "replace")  # type: ignore[union-attr]
            if concept is not None and "publicdomain" in svg.lower().replace(" ", "") and "GPL" not in svg:
                yield Drawing(concept, OPENCLIPART, svg, names.keywords[concept])


def cut_out(drawing: Drawing) -> np.ndarray | None:
    """The drawing as RGBA uint8 `[64, 64, 4]`, cropped to its opaque part and centred. None if it is empty."""
    data = drawing.source
    if isinstance(data, str):
        data = bytes(resvg_py.svg_to_bytes(svg_string=data, width=128, skip_system_fonts=True, dpi=96))
    picture = Image.open(io.BytesIO(data)).convert("RGBA")
    box = picture.getchannel("A").point(lambda a: 255 * (a > 24)).getbbox()
    if box is None:
        return None
    # Premultiply by alpha before resampling; otherwise the colour of transparent pixels shows at the edges.
    picture = picture.crop(box).convert("RGBa")
    scale = SIDE / max(picture.size)
    picture = picture.resize([max(1, round(s * scale)) for s in picture.size], Image.Resampling.LANCZOS)
    canvas = Image.new("RGBA", (SIDE, SIDE))
    canvas.paste(picture.convert("RGBA"), ((SIDE - picture.width) // 2, (SIDE - picture.height) // 2))
    return np.asarray(canvas)
