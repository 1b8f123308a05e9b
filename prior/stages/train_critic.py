"""Train the critic on all drawings but one set and on the composed pictures; score it on the set that it
never saw."""

import json
import time
from pathlib import Path

import numpy as np
import torch

from fundiff.critic.encoder import Critic, ImageEncoder, save_critic, sentence_vectors
from fundiff.pipeline.progress import progress
from fundiff.pipeline.runtime import detect
from prior.making.critic_training import on_white, training
from prior.making.retrieval import retrieval
from prior.making.words import names_of, with_article
from prior.stages.caption import load_nouns
from prior.stages.sections import TrainCritic, read, run


def main() -> None:
    section = read(TrainCritic, "train_critic")
    runtime = detect()
    rows = json.loads(Path("data/prior/drawings.json").read_text(encoding="utf-8"))
    cut_outs = on_white(np.load("data/prior/drawings.npz")["pixels"])
    called = names_of(load_nouns())
    said_of = [called.get(row["concept"]) or with_article(row["concept"].lower()) for row in rows]
    names = sorted(set(said_of))
    which = torch.tensor([names.index(name) for name in said_of])
    hidden = torch.tensor([row["set"] in section.held_out for row in rows])
    unseen = torch.tensor([row["set"] == section.held_out[0] for row in rows])
    sentences = json.loads(Path("data/prior/sentences.json").read_text(encoding="utf-8"))
    composed = np.load("data/prior/pictures.npy", mmap_mode="r")[: section.composed]
    said = torch.from_numpy(np.load("data/prior/which.npy"))[: section.composed]

    pixels = np.concatenate([cut_outs[~hidden.numpy()], composed])
    sentence = torch.cat([which[~hidden], said + len(names)])
    vectors = sentence_vectors([*names, *sentences])
    torch.manual_seed(section.seed)
    encoder = ImageEncoder()
    started = time.perf_counter()
    recipe = {"seed": section.seed, "images": section.images, "batch_size": section.batch_size}
    steps = training(
        encoder,
        pixels,
        sentence,
        vectors,
        learning_rate=section.learning_rate,
        bf16=runtime.precision == "bf16",
        **recipe,
    )
    with progress(steps, "train_critic", section.images // section.batch_size) as bar:
        for _, loss in bar:
            bar.set_postfix_str(f"loss {loss:.3f}", refresh=False)
    held_out = torch.from_numpy(cut_outs[unseen.numpy()]).permute(0, 3, 1, 2).float() / 127.5 - 1
    metrics = {
        "held_out_set": section.held_out[0],
        "held_out_drawings": int(unseen.sum()),
        "names": len(names),
        "training_images": section.images,
        "runtime": str(runtime),
        "seconds": round(time.perf_counter() - started),
        **retrieval(Critic(encoder, {}), held_out, vectors[: len(names)], which[unseen]),
    }
    save_critic(Path("data/prior/critic"), encoder, metrics)
    print(metrics)


if __name__ == "__main__":
    run("train_critic", main)
