"""Train the prior; goes on from .checkpoints/prior, shows its progress there, and writes the averaged
network."""

import csv
import json
import math
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from tqdm import tqdm

from fundiff.pipeline.errors import UserError
from fundiff.pipeline.files import load_checkpoint, replacing, save_checkpoint
from fundiff.pipeline.noise import randn, sample_generators
from fundiff.pipeline.progress import pace
from fundiff.pipeline.runtime import prepare_runtime
from fundiff.prior.shuffled_unet import ShuffledUNet2DConditionModel
from fundiff.prior.text import text_pipeline, token_states
from prior.making.network import guided_samples, make_scheduler, make_unet, save_prior
from prior.making.training import Pictures, Recipe, Training
from prior.stages.sections import PARAMS, TrainPrior, read, run

CHECKPOINT = Path(".checkpoints/prior/state.pt")
SHOWN = (
    "an oil painting of a snowy mountain village",
    "a man wearing a hat",
    "a rocket ship",
    "a photo of a dog",
    "an oil painting of an old man",
    "an oil painting of people around a campfire",
    "a lithograph of a skull",
    "a lithograph of waterfalls",
    "a pencil",
    "a photo of the amalfi coast",
    "a photo of a hipster barista",
    "a high quality photo",
    "an apple",
    "a car",
    "a castle",
    "a dog and a tree",
)
FREE = {"images", "checkpoint_images"}  # what may change in a training that goes on


def load_pictures() -> Pictures:
    """The training set as the caption stage wrote it, the pictures read from disk as they are needed."""
    tokens = np.load("data/prior/tokens.npz")
    pixels = np.load("data/prior/pictures.npy", mmap_mode="r")
    return Pictures(pixels, torch.from_numpy(tokens["sentence"]), torch.from_numpy(tokens["states"]))


def start(section: TrainPrior, width: int) -> tuple[Training, dict]:
    """A training at its beginning or at its checkpoint, and the params that it must go on with."""
    torch.manual_seed(section.seed)
    fixed = json.loads(section.model_dump_json(exclude=FREE))
    unet = make_unet(**section.unet, width=width)
    if section.init:
        if not (Path(section.init) / "unet/config.json").is_file():
            raise UserError(
                f'{PARAMS}: train_prior.init: {section.init!r} has no unet/config.json; "" begins anew'
            )
        unet = ShuffledUNet2DConditionModel.from_pretrained(
            section.init, subfolder="unet", torch_dtype=torch.float32
        )
    recipe = Recipe(**section.model_dump(exclude={"init", "checkpoint_images", "unet"}))
    training = Training(unet, recipe, prepare_runtime().precision == "bf16")
    state = load_checkpoint(CHECKPOINT)
    if state is not None:
        changed = [key for key, value in fixed.items() if json.loads(state["params"]).get(key) != value]
        if changed:
            raise UserError(
                f"{CHECKPOINT}: trained with other values of train_prior.{', '.join(changed)}; "
                "delete it to start anew, or set them back to go on"
            )
        training.load_state_dict(state["training"])
    return training, fixed


def save(training: Training, fixed: dict) -> None:
    """Write the checkpoint, whole or not at all."""
    CHECKPOINT.parent.mkdir(parents=True, exist_ok=True)
    save_checkpoint(CHECKPOINT, {"training": training.state_dict(), "params": json.dumps(fixed)})


def show(training: Training, states: Tensor, noise: Tensor) -> None:
    """A sheet of samples of the fixed prompts, guidance 4, the same noise every time."""
    x_0 = guided_samples(training.ema.module, states, noise, 4.0, bf16=training.bf16)
    rows = ((x_0 + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()
    sheet = Image.fromarray(
        np.concatenate([np.concatenate(list(r), 1) for r in rows.reshape(-1, 8, *rows.shape[1:])])
    )
    with replacing(CHECKPOINT.with_name(f"samples_{training.images:07d}.png")) as path:
        sheet.save(path, format="PNG")


def main() -> None:
    section = read(TrainPrior, "train_prior")
    pictures = load_pictures()
    training, fixed = start(section, pictures.states.shape[-1])
    shown = token_states(text_pipeline(), ["", *SHOWN])
    noise = randn(sample_generators(section.seed, len(SHOWN), "progress"), (3, 64, 64))
    alphas_cumprod = make_scheduler().alphas_cumprod
    print(
        f"bf16 {training.bf16}, {sum(p.numel() for p in training.unet.parameters()):,} parameters", flush=True
    )
    saved = training.images // section.checkpoint_images
    bar = tqdm(total=section.images, initial=training.images, **pace("train_prior", " images"))
    for images in training.steps(pictures, alphas_cumprod):
        bar.update(section.batch_size)
        if images // section.checkpoint_images > saved:
            saved = images // section.checkpoint_images
            save(training, fixed)
            if saved % 2 == 0:
                show(training, shown, noise)
            if training.log:
                _, loss, kl, rate, _ = training.log[-1]
                bar.set_postfix_str(f"loss {loss:.4f}, kl {kl:.4f}, learning rate {rate:.1e}")
    bar.close()
    save(training, fixed)
    show(training, shown, noise)
    save_prior("data/prior/trained", training.ema.module)  # type: ignore[arg-type]
    with replacing("prior/metrics/train.csv") as path, path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["images", "v_loss", "kl", "learning_rate", "images_per_s"])
        writer.writerows(
            [[row[0], *(round(v, 6) for v in row[1:4]), round(row[4], 1)] for row in training.log]
        )
    if math.isnan(training.log[-1][1] if training.log else 0.0):
        raise UserError("the loss is not a number")


if __name__ == "__main__":
    run("train_prior", main)
