"""Compose the training pictures, give each its sentence, and encode every sentence once."""

import json
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from fundiff.pipeline.errors import UserError
from fundiff.pipeline.files import replacing, write_json
from fundiff.pipeline.params import nearest
from fundiff.pipeline.progress import progress
from fundiff.prior.text import text_pipeline, token_states
from prior.making.captions import GENERIC, Plan, captioned, choose_pairs
from prior.making.compose import Library
from prior.making.scenes import SCENES
from prior.stages.sections import Caption, read, run

_worker: dict = {}


def load_library(sets: list[str]) -> tuple[Library, dict[str, list[str]]]:
    """The cut-outs of the named sets, and the keywords of every concept."""
    rows = json.loads(Path("data/prior/drawings.json").read_text())
    kept = [index for index, row in enumerate(rows) if row["set"] in sets]
    pixels = np.load("data/prior/drawings.npz")["pixels"][kept]
    library = Library(pixels, [rows[i]["concept"] for i in kept], [rows[i]["set"] for i in kept])
    return library, {rows[i]["concept"]: rows[i]["keywords"] for i in kept}


def make_plan(section: Caption, library: Library, keywords: dict[str, list[str]]) -> Plan:
    """The plan of the training set. Raises UserError for a concept that no set draws."""
    concepts = section.concepts or sorted(library.rows)
    for concept in [*concepts, *section.weights, *section.styles]:
        if concept not in library.rows:
            raise UserError(
                f"caption.concepts: no set draws {concept!r}; {nearest(concept, list(library.rows))}"
            )
    for name in section.generic:
        if name not in library.rows and name not in SCENES:
            known = [*library.rows, *SCENES]
            raise UserError(f"caption.generic: no set and no scene draws {name!r}; {nearest(name, known)}")
    pairs = choose_pairs(concepts, section.pairs, section.seed, "training")
    shares = ("scene_share", "pair_share", "generic_share", "keyword_share")
    return Plan(
        concepts,
        section.weights,
        section.styles,
        keywords,
        pairs,
        section.generic,
        **{share: getattr(section, share) for share in shares},
    )


def start_worker(section: Caption) -> None:
    """Load the cut-outs once per process."""
    library, keywords = load_library(section.sets)
    _worker["make"] = partial(captioned, library, make_plan(section, library, keywords), section.seed)


def make(position: int) -> tuple[str, np.ndarray]:
    """One training picture."""
    return _worker["make"](position)


def main() -> None:
    section = read(Caption, "caption")
    make_plan(section, *load_library(section.sets))
    sentences = {"": 0, GENERIC: 1}
    which = np.zeros(section.pictures, np.int64)
    Path("data/prior").mkdir(parents=True, exist_ok=True)
    with replacing("data/prior/pictures.npy") as path:
        shape = (section.pictures, 64, 64, 3)
        pixels = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
        with ProcessPoolExecutor(section.processes, initializer=start_worker, initargs=(section,)) as pool:
            made = pool.map(make, range(section.pictures), chunksize=128)
            shown = progress(made, "caption", section.pictures, " pictures")
            for position, (sentence, picture) in enumerate(shown):
                which[position] = sentences.setdefault(sentence, len(sentences))
                pixels[position] = picture
        pixels.flush()
    with replacing("data/prior/tokens.npz") as path, path.open("wb") as file:
        states = token_states(text_pipeline(), list(sentences)).half().numpy()
        np.savez(file, states=states, sentence=which)
    write_json("data/prior/sentences.json", list(sentences))
    print(f"{section.pictures} pictures, {len(sentences)} sentences")


if __name__ == "__main__":
    run("caption", main)
