"""Compose the training pictures, write a sentence for each, and encode every different sentence once."""

import json
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import yaml

from fundiff.pipeline.errors import UserError
from fundiff.pipeline.files import replacing, write_json
from fundiff.pipeline.params import nearest
from fundiff.pipeline.progress import progress
from fundiff.prior.plain_text import TOKENS
from fundiff.prior.text import WIDTH, text_pipeline, token_states
from prior.making import photographs
from prior.making.captions import GENERIC, KINDS, Plan, captioned
from prior.making.compose import Library
from prior.making.sketches import SKETCHES
from prior.making.words import Noun, read_nouns
from prior.stages.sections import Caption, read, run

NOUNS, PEOPLE = Path("prior/nouns.yaml"), "dicebear-"
_worker: dict = {}


def load_library(held_out: list[str]) -> tuple[Library, list[tuple[str, int]]]:
    """The cut-outs of all sets but the held-out ones, and (sentence, row) of every drawn person."""
    rows = json.loads(Path("data/prior/drawings.json").read_text(encoding="utf-8"))
    kept = [index for index, row in enumerate(rows) if row["set"] not in held_out]
    pixels = np.load("data/prior/drawings.npz")["pixels"][kept]
    library = Library(pixels, [rows[i]["concept"] for i in kept], [rows[i]["set"] for i in kept])
    people = [(rows[i]["concept"], row) for row, i in enumerate(kept) if rows[i]["set"].startswith(PEOPLE)]
    return library, people


def load_nouns() -> dict[str, Noun]:
    """The nouns of prior/nouns.yaml. Raises UserError if the file is not valid."""
    try:
        return read_nouns(yaml.safe_load(NOUNS.read_text(encoding="utf-8")))
    except ValueError as error:
        raise UserError(f"{NOUNS}: {error}") from None


def make_plan(section: Caption, library: Library, people: list[tuple[str, int]]) -> Plan:
    """The plan of the training set. Raises UserError for a noun without drawings, or a weight or style of an unknown noun."""
    nouns = load_nouns()
    for noun in nouns.values():
        if noun.name not in SKETCHES and not library.rows_of(noun):
            raise UserError(f"{NOUNS}: no set draws {noun.name!r}; {nearest(noun.bare, list(library.rows))}")
    for key, names in (("weights", section.weights), ("styles", section.styles)):
        for name in names:
            if name not in nouns:
                raise UserError(f"caption.{key}: {name!r} is not in {NOUNS}; {nearest(name, list(nouns))}")
    for kind in section.shares:
        if kind not in KINDS:
            raise UserError(f"caption.shares: {kind!r} is no kind of picture; {nearest(kind, list(KINDS))}")
    values = section.model_dump(include={"shares", "weights", "styles", "style_share", "generic_share"})
    return Plan(nouns, people=people, photographs=photographs.load(), **values)


def start_worker(section: Caption) -> None:
    """Load the cut-outs, once in each worker process."""
    library, people = load_library(section.held_out)
    _worker["make"] = partial(captioned, library, make_plan(section, library, people), section.seed)


def make(position: int) -> tuple[str, np.ndarray]:
    """The sentence and the picture at one position, uint8 `[64, 64, 3]`."""
    return _worker["make"](position)


def encode(sentences: list[str], path: Path) -> None:
    """Write the token states of the sentences, float16 `[U, 77, 384]`, block by block."""
    pipe, shape = text_pipeline(), (len(sentences), TOKENS, WIDTH)
    states = np.lib.format.open_memmap(path, mode="w+", dtype=np.float16, shape=shape)
    starts = range(0, len(sentences), 64)
    for start in progress(starts, "encode", len(starts), " batches"):
        states[start : start + 64] = token_states(pipe, sentences[start : start + 64]).half().numpy()
    states.flush()


def main() -> None:
    section = read(Caption, "caption")
    make_plan(section, *load_library(section.held_out))
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
    with replacing("data/prior/which.npy") as path, path.open("wb") as file:
        np.save(file, which)
    with replacing("data/prior/tokens.npy") as path:
        encode(list(sentences), path)
    write_json("data/prior/sentences.json", list(sentences))
    print(f"{section.pictures} pictures, {len(sentences)} sentences")


if __name__ == "__main__":
    run("caption", main)
