"""Train the critic on all drawings but one set, and on composed pictures; score it on the set left out."""

import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from fundiff.critic.encoder import Critic, ImageEncoder, save_critic, sentence_vectors
from fundiff.pipeline.progress import progress
from fundiff.pipeline.runtime import prepare_runtime
from prior.making.critic_training import on_white, training
from prior.making.retrieval import retrieval
from prior.making.words import names_of, with_article
from prior.stages.caption import load_nouns
from prior.stages.sections import TrainCritic, read, run


@dataclass(frozen=True)
class Material:
    """What the critic is trained and scored on.

    Pictures with the row of each one's sentence, the vectors of all sentences, and the held-out drawings with the row of
    each one's name. The names' vectors come first.
    """

    pixels: np.ndarray
    sentence: Tensor
    vectors: Tensor
    names: list[str]
    held_out: Tensor
    right: Tensor


def material(section: TrainCritic) -> Material:
    """Training pictures: all drawings but the held-out sets', and the first composed ones. Scored: the first held-out set."""
    rows = json.loads(Path("data/prior/drawings.json").read_text(encoding="utf-8"))
    cut_outs = on_white(np.load("data/prior/drawings.npz")["pixels"])
    called = names_of(load_nouns())
    said_of = [called.get(row["concept"]) or with_article(row["concept"].lower()) for row in rows]
    names = sorted(set(said_of))
    column = {name: index for index, name in enumerate(names)}
    which = torch.tensor([column[name] for name in said_of])
    hidden = torch.tensor([row["set"] in section.held_out for row in rows])
    scored = torch.tensor([row["set"] == section.held_out[0] for row in rows])
    sentences = json.loads(Path("data/prior/sentences.json").read_text(encoding="utf-8"))
    composed = np.load("data/prior/pictures.npy", mmap_mode="r")[: section.composed]
    said = torch.from_numpy(np.load("data/prior/which.npy"))[: section.composed]
    return Material(
        np.concatenate([cut_outs[~hidden.numpy()], composed]),
        torch.cat([which[~hidden], said + len(names)]),
        sentence_vectors([*names, *sentences]),
        names,
        torch.from_numpy(cut_outs[scored.numpy()]).permute(0, 3, 1, 2).float() / 127.5 - 1,
        which[scored],
    )


def main() -> None:
    section, runtime = read(TrainCritic, "train_critic"), prepare_runtime()
    seen = material(section)
    torch.manual_seed(section.seed)
    encoder = ImageEncoder()
    started = time.perf_counter()
    recipe = section.model_dump(include={"seed", "images", "batch_size", "learning_rate"})
    bf16 = runtime.precision == "bf16"
    steps = training(encoder, seen.pixels, seen.sentence, seen.vectors, bf16=bf16, **recipe)
    with progress(steps, "train_critic", section.images // section.batch_size) as bar:
        for _, loss in bar:
            bar.set_postfix_str(f"loss {loss:.3f}", refresh=False)
    metrics = {
        "held_out_set": section.held_out[0],
        "held_out_drawings": len(seen.right),
        "names": len(seen.names),
        "training_images": section.images,
        "runtime": str(runtime),
        "seconds": round(time.perf_counter() - started),
        **retrieval(Critic(encoder, {}), seen.held_out, seen.vectors[: len(seen.names)], seen.right),
    }
    save_critic(Path("data/prior/critic"), encoder, metrics)
    print(metrics)


if __name__ == "__main__":
    run("train_critic", main)
