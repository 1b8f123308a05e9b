"""Train the last part from the averaged weights of the first, and write the network that is exported."""

from pathlib import Path

import torch

from fundiff.prior.shuffled_unet import ShuffledUNet2DConditionModel
from prior.stages.sections import Leg, read, run
from prior.stages.train_first import train

BEFORE = Path("data/prior/first")


def main() -> None:
    unet = ShuffledUNet2DConditionModel.from_pretrained(BEFORE, subfolder="unet", torch_dtype=torch.float32)
    weights = BEFORE / "unet/diffusion_pytorch_model.safetensors"
    train("train_last", read(Leg, "train_last"), unet, "data/prior/trained", [weights])


if __name__ == "__main__":
    run("train_last", main)
