"""Write the zip for the training on another machine, after stage render: `python -m prior.gpu.pack ZIP`."""

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from fundiff.pipeline.errors import UserError
from fundiff.prior.text import encoder_folder, load_text
from prior.making import scenes
from prior.making.carried import TOKENIZER, pack, vocabulary
from prior.making.compose import Library
from prior.making.layouts import FRONTAL, WORN
from prior.making.prompts import COURSE, PROPERTIES
from prior.stages.caption import PEOPLE, load_nouns
from prior.stages.sections import Caption, FirstLeg, read

LIMIT_MB = 55


def shown_rows(rows: list[dict], held_out: list[str]) -> list[int]:
    """The rows of cut-outs that a training picture can show."""
    concepts = {concept for noun in load_nouns().values() for concept in noun.concepts}
    concepts |= (
        set(FRONTAL)
        | {concept for worn in WORN.values() for concept in worn}
        | set((*scenes.NEEDED, *scenes.FACES, *scenes.HATS))
    )
    return [
        i for i, row in enumerate(rows)
        if row["set"] not in held_out and (row["concept"] in concepts or row["set"].startswith(PEOPLE))
    ]  # fmt: skip


def table_of(rows: list[dict], caption: Caption, leg: FirstLeg) -> dict:
    """What the training needs apart from cut-outs and the text encoder, as JSON values."""
    nouns = [[noun.name, noun.kind, list(noun.concepts)] for noun in load_nouns().values()]
    return {
        "concepts": [row["concept"] for row in rows],
        "sets": [row["set"] for row in rows],
        "people": [[row["concept"], i] for i, row in enumerate(rows) if row["set"].startswith(PEOPLE)],
        "nouns": nouns,
        "plan": caption.model_dump(include={"shares", "weights", "styles", "style_share", "generic_share"}),
        "seed": caption.seed,
        "leg": leg.model_dump(exclude={"checkpoint_images"}),
    }


def main() -> None:
    """Write the zip. Raises UserError if it is larger than LIMIT_MB."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("zip", type=Path)
    path = parser.parse_args().zip
    caption, leg = read(Caption, "caption"), read(FirstLeg, "train_first")
    rows = json.loads(Path("data/prior/drawings.json").read_text(encoding="utf-8"))
    kept = shown_rows(rows, caption.held_out)
    pixels = np.load("data/prior/drawings.npz")["pixels"][kept]
    table = table_of([rows[i] for i in kept], caption, leg)
    Library(pixels, table["concepts"], table["sets"])
    tokenizer, encoder = load_text()
    words = vocabulary(load_nouns().values(), [name for name, _ in table["people"]], [*COURSE, *PROPERTIES])
    tokens = sorted({0, 100, 101, 102, *(i for word in words.split() for i in tokenizer(word)["input_ids"])})
    files = [file for name in TOKENIZER if (file := encoder_folder() / name).is_file()]
    pack(path, pixels, table, encoder.state_dict(), files, tokens)
    size = path.stat().st_size / 2**20
    print(f"{len(kept)} cut-outs, {len(tokens)} tokens, {size:.1f} MiB")
    if size > LIMIT_MB:
        raise UserError(f"{path}: {size:.0f} MiB, more than {LIMIT_MB}; hold out a set more")


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(f"pack: {error}")
