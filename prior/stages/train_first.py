"""Train the first part from random weights, and write the averaged network.

A killed run continues from its checkpoint. The checkpoint's folder also gets sheets of samples.
"""

import csv
import shutil
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from tqdm import tqdm

from fundiff.digits import optimizers
from fundiff.pipeline.files import load_checkpoint, replacing, save_checkpoint
from fundiff.pipeline.noise import randn, sample_generators, seeded
from fundiff.pipeline.progress import pace
from fundiff.pipeline.runtime import Runtime, prepare_runtime
from fundiff.prior import shuffled_unet
from fundiff.prior.text import text_pipeline, token_states
from prior.making import network, objective, optimisers, training
from prior.making.network import guided_samples, make_path, make_unet, save_prior
from prior.making.training import Pictures, Training, checkpoint_key
from prior.stages.sections import FirstLeg, Leg, read, run

CHECKPOINTS = Path(".checkpoints")
DATA = [Path("data/prior", name) for name in ("pictures.npy", "which.npy", "tokens.npy")]
MODULES = (network, objective, optimisers, optimizers, training, shuffled_unet)
CODE = [Path(str(module.__file__)) for module in MODULES]
SHOWN = (
    "an oil painting of a snowy mountain village", "a man wearing a hat", "a rocket ship", "a photo of a dog",
    "an oil painting of an old man", "an oil painting of people around a campfire", "a lithograph of a skull",
    "a lithograph of waterfalls", "a pencil", "a photo of the amalfi coast", "a photo of a hipster barista",
    "a high quality photo", "a blue car", "two cats", "a castle on a hill at night", "a giraffe",
    "a red house next to a green tree", "a penguin wearing a hat", "an oil painting of a lighthouse",
    "a yellow submarine", "a guitar", "a bicycle", "an elephant", "a cat on a table",
)  # fmt: skip


def load_pictures() -> Pictures:
    """The training set that stage caption wrote, read from disk as needed."""
    pixels, which, states = (np.load(path, mmap_mode="r") for path in DATA)
    return Pictures(pixels, torch.from_numpy(np.array(which)), states)


def checkpoint_of(name: str, leg: Leg, runtime: Runtime, before: list[Path]) -> Path:
    """The file of a training's checkpoint. With other params, data, code or initial weights it has another folder."""
    params = leg.model_dump_json(exclude={"checkpoint_images"})
    return CHECKPOINTS / f"{name}-{checkpoint_key(params, [*DATA, *before], CODE, runtime)}" / "state.pt"


def show(state: Training, states: Tensor, noise: Tensor, folder: Path) -> None:
    """Write a sheet of samples of the fixed prompts at guidance scale 5, each time from the same noise."""
    bf16 = state.runtime.precision == "bf16"
    device = state.runtime.device
    x_0 = guided_samples(state.ema.module, states.to(device), noise.to(device), 5.0, bf16=bf16).cpu()
    rows = ((x_0 + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()
    lines = [np.concatenate(list(line), 1) for line in rows.reshape(-1, 8, *rows.shape[1:])]
    with replacing(folder / f"samples_{state.images:07d}.png") as path:
        Image.fromarray(np.concatenate(lines)).save(path, format="PNG")


def advance(state: Training, leg: Leg, checkpoint: Path, name: str) -> None:
    """Train to the end; write checkpoints, and a sheet of samples with every fifth one and the last."""
    shown = token_states(text_pipeline(), ["", *SHOWN])
    noise = randn(sample_generators(leg.seed, len(SHOWN), "progress"), (3, 64, 64))
    saved = state.images // leg.checkpoint_images
    bar = tqdm(total=leg.images, initial=state.images, **pace(name, " images"))
    for images in state.steps(load_pictures(), make_path()):
        bar.update(leg.batch_size)
        if images // leg.checkpoint_images > saved or images >= leg.images:
            saved = images // leg.checkpoint_images
            save_checkpoint(checkpoint, state.state_dict())
            if saved % 5 == 0 or images >= leg.images:
                show(state, shown, noise, checkpoint.parent)
            if state.log:
                _, loss, kl, rate, _ = state.log[-1]
                bar.set_postfix_str(f"loss {loss:.4f}, kl {kl:.4f}, learning rate {rate:.1e}")
    bar.close()


def write_log(path: str, log: list[list[float]]) -> None:
    """Write the log of a training as CSV."""
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["images", "v_loss", "kl", "learning_rate", "images_per_s"])
        writer.writerows([[row[0], *(round(v, 6) for v in row[1:4]), round(row[4], 1)] for row in log])


def train(name: str, leg: Leg, unet: nn.Module, out: str, before: list[Path]) -> None:
    """Train a network and write it to `out`. The checkpoint is deleted after all outs are written."""
    runtime = prepare_runtime()
    checkpoint = checkpoint_of(name, leg, runtime, before)
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    state = Training(unet, leg.recipe(), runtime)
    found = load_checkpoint(checkpoint)
    if found is not None:
        state.load_state_dict(found)
    count = sum(p.numel() for p in unet.parameters())
    print(f"{runtime}, {count:,} parameters, {state.images} images done; {checkpoint}", flush=True)
    advance(state, leg, checkpoint, name)
    save_prior(out, state.ema.module.cpu())  # type: ignore[arg-type]
    write_log(f"prior/metrics/{name}.csv", state.log)
    shutil.rmtree(checkpoint.parent)


def main() -> None:
    leg = read(FirstLeg, "train_first")
    with seeded(leg.seed):
        unet = make_unet(**leg.unet, width=load_pictures().states.shape[-1])
    train("train_first", leg, unet, "data/prior/first", [])


if __name__ == "__main__":
    run("train_first", main)
