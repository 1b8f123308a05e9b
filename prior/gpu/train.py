"""Train the prior from a zip for a number of minutes: compose, encode, train, write the weights every minute.

`python -m prior.gpu.train ZIP OUT --minutes 8 [--begin FOLDER] [--batch 256]`; OUT gets files of at most 15 MB.
"""

import argparse
import dataclasses
import json
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch import Tensor, nn

from fundiff.pipeline.errors import UserError
from fundiff.pipeline.noise import randn, sample_generators, seeded
from fundiff.pipeline.runtime import Runtime, prepare_runtime
from prior.gpu.collect import joined, write_parts
from prior.making import photographs
from prior.making.captions import GENERIC, Plan, captioned
from prior.making.carried import Encoder, unpack
from prior.making.compose import Library
from prior.making.network import guided_samples, make_path, make_unet
from prior.making.objective import Objective
from prior.making.prompts import COURSE, PROPERTIES
from prior.making.training import Pictures, Recipe, Training
from prior.making.words import Noun

OBJECTIVE = {field.name for field in dataclasses.fields(Objective)}
_worker: dict = {}


def start_worker(path: Path) -> None:
    """Read the cut-outs, once in each worker process."""
    pixels, table = unpack(path)
    nouns = {name: Noun(name, kind, tuple(concepts)) for name, kind, concepts in table["nouns"]}
    people = [(sentence, row) for sentence, row in table["people"]]
    plan = Plan(nouns, people=people, photographs=photographs.load(), **table["plan"])
    _worker.update(library=Library(pixels, table["concepts"], table["sets"]), plan=plan, seed=table["seed"])


def make(position: int) -> tuple[str, np.ndarray]:
    """One training picture and its sentence."""
    return captioned(_worker["library"], _worker["plan"], _worker["seed"], position)


def compose(path: Path, count: int, first: int, processes: int) -> tuple[list[str], Tensor, Tensor]:
    """`count` pictures from position `first` on: the different sentences, each picture's sentence `[count]`, and the pixels."""
    sentences, which, pixels = {"": 0, GENERIC: 1}, [], np.empty((count, 64, 64, 3), np.uint8)
    with ProcessPoolExecutor(processes, get_context("spawn"), start_worker, (path,)) as pool:
        for row, (sentence, picture) in enumerate(pool.map(make, range(first, first + count), chunksize=256)):
            which.append(sentences.setdefault(sentence, len(sentences)))
            pixels[row] = picture
    return list(sentences), torch.tensor(which), torch.from_numpy(pixels)


def recipe_of(leg: dict, batch: int, images: int) -> Recipe:
    """The recipe at another batch size, at the same learning rate, which falls to 0 over the last half."""
    values = {k: v for k, v in leg.items() if k not in OBJECTIVE and k != "unet"}
    values |= {"batch_size": batch, "images": images, "warmup_images": 100 * batch}
    values |= {"decay_share": 0.5, "ema_decay": 0.999}
    return Recipe(**values, objective=Objective(**{k: leg[k] for k in OBJECTIVE}))


def show(state: Training, encoder: Encoder, prompts: list[str], out: Path, runtime: Runtime) -> None:
    """Write samples of the prompts by the averaged network, guidance scale 5, in rows of eight."""
    from PIL import Image

    states = encoder(["", *prompts]).float()
    noise = randn(sample_generators(state.recipe.seed, len(prompts), "progress"), (3, 64, 64), runtime.device)
    x_0 = guided_samples(state.ema.module, states, noise, 5.0, bf16=runtime.precision == "bf16").cpu()
    rows = ((x_0 + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()
    lines = [np.concatenate(list(line), 1) for line in rows.reshape(-1, 8, *rows.shape[1:])]
    Image.fromarray(np.concatenate(lines)).save(out / "samples.png")


def timed(state: Training, pictures: Pictures, seconds: float, out: Path, every: float = 60.0) -> None:
    """Train for a number of seconds.

    The number of images is planned from the speed of the first tenth. The averaged weights and the log are written every
    `every` seconds and at the end.
    """
    started = saved = time.perf_counter()
    planned = False
    for images in state.steps(pictures, make_path()):
        now = time.perf_counter()
        if not planned and now - started > seconds / 10:
            total = int(images * seconds / (now - started) * 0.97)
            state.recipe, planned = dataclasses.replace(state.recipe, images=max(total, images + 1)), True
        if now - saved > every:
            saved = now
            write_parts(out, state.ema.module, told(state))
            print(f"{images} images, {now - started:.0f} s, {state.log[-1:]}", flush=True)
        if now - started > 1.05 * seconds:
            break
    write_parts(out, state.ema.module, told(state))


def told(state: Training) -> dict:
    """What is written beside the weights: images seen and planned, the last learning rate, and the log."""
    rate = state.recipe.rate(state.images)
    return {"images": state.images, "planned": state.recipe.images, "rate": rate, "log": state.log}


def network_of(leg: dict, begin: Path | None) -> nn.Module:
    """A new network, or one with the weights in the folder `begin`."""
    with seeded(leg["seed"]):
        unet = make_unet(**leg["unet"])
    if begin:
        unet.load_state_dict(joined(begin))
    return unet


def main() -> None:
    """Compose, encode, train and write samples within the given minutes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("zip", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--minutes", type=float, default=8)
    parser.add_argument("--begin", type=Path, help="a folder of weights to go on from")
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--pictures", type=int, default=120_000)
    parser.add_argument(
        "--first", type=int, default=0, help="position of the first picture: a second leg's are new"
    )
    asked = parser.parse_args()
    begun, runtime = time.perf_counter(), prepare_runtime()
    _, table = unpack(asked.zip)
    sentences, which, pixels = compose(asked.zip, asked.pictures, asked.first, os.cpu_count() or 1)
    print(
        f"{len(which)} pictures, {len(sentences)} sentences, {time.perf_counter() - begun:.0f} s", flush=True
    )
    with TemporaryDirectory() as folder:
        encoder = Encoder(asked.zip, Path(folder), runtime.device)
    pictures = Pictures(pixels.to(runtime.device), which, encoder(sentences))
    print(f"encoded, {time.perf_counter() - begun:.0f} s; {runtime}", flush=True)
    recipe = recipe_of(table["leg"], asked.batch, 10**12)
    state = Training(network_of(table["leg"], asked.begin), recipe, runtime)
    asked.out.mkdir(parents=True, exist_ok=True)
    timed(state, pictures, asked.minutes * 60 - (time.perf_counter() - begun), asked.out)
    prompts = [*COURSE, *PROPERTIES]
    show(state, encoder, prompts[: len(prompts) // 8 * 8], asked.out, runtime)
    print(json.dumps({"images": state.images, "seconds": round(time.perf_counter() - begun)}))


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(f"train: {error}")
