"""Render every drawing to a cut-out of 64 x 64 pixels.

Writes one compressed file of pixels, and one table of what they show.
"""

from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from fundiff.pipeline.files import replacing, write_json
from fundiff.pipeline.progress import progress
from prior.making.drawings import (
    Drawing,
    bitmap_drawings,
    clipart_drawings,
    cut_out,
    iconify_drawings,
    read_names,
)
from prior.making.people import avatars
from prior.stages.sections import FetchDrawings, Render, read, run

READERS = {"svg": iconify_drawings, "bitmap": bitmap_drawings, "clipart": clipart_drawings}


def all_drawings(section: FetchDrawings, render: Render, folder: Path) -> list[Drawing]:
    """The drawings of all packages in the list's order, then the drawn people."""
    files = {package.kind: folder / package.file for package in section.packages}
    names = read_names(files["names"], files["keywords"])
    packages = [package for package in section.packages if package.kind in READERS]
    people = [folder / package.file for package in section.packages if package.kind == "people"]
    drawn = [d for package in packages for d in READERS[package.kind](folder / package.file, names)]
    return drawn + (avatars(people, render.people, render.seed) if people else [])


def drawn(drawing: Drawing) -> np.ndarray | None:
    """The cut-out, or None if the renderer refuses the file (four of Openclipart's nine hundred)."""
    try:
        return cut_out(drawing)
    except ValueError:
        return None


def main() -> None:
    section = read(Render, "render")
    drawings = all_drawings(read(FetchDrawings, "fetch_drawings"), section, Path("data/prior/packages"))
    with ProcessPoolExecutor(section.processes) as pool:
        cut_outs = pool.map(drawn, drawings, chunksize=64)
        pixels = list(progress(cut_outs, "render", len(drawings), " drawings"))
    kept = [(d, p) for d, p in zip(drawings, pixels, strict=True) if p is not None]
    with replacing("data/prior/drawings.npz") as path, path.open("wb") as file:
        np.savez_compressed(file, pixels=np.stack([p for _, p in kept]))
    rows = [{"concept": d.concept, "set": d.set, "keywords": d.keywords} for d, _ in kept]
    write_json("data/prior/drawings.json", rows)
    print(
        f"{len(kept)} drawings of {len({d.concept for d, _ in kept})} concepts; refused {len(drawings) - len(kept)}"
    )


if __name__ == "__main__":
    run("render", main)
