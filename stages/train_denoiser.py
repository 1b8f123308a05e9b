from pydantic import Field

from fundiff.digits.data import load_digits
from fundiff.digits.fit import TrainParams, fitted
from fundiff.digits.objectives import held_out_single_step, single_step
from fundiff.digits.unet import UNet
from fundiff.pipeline.files import write_json
from fundiff.pipeline.noise import seeded
from fundiff.pipeline.runtime import prepare_runtime
from fundiff.pipeline.stage import run


class Params(TrainParams):
    sigma: float = Field(gt=0)


def main(params: Params) -> None:
    device = prepare_runtime().device
    train, validation = (load_digits("data/mnist.npz", split, device) for split in ("train", "validation"))
    with seeded(params.seed):
        unet = UNet(params.hidden_size)
    loss = single_step(params.sigma)
    validate = held_out_single_step(validation, params.sigma, params.seed)
    config = {"hidden_size": params.hidden_size}
    with fitted("train_denoiser", unet, loss, validate, train, params, config) as numbers:
        write_json("metrics/train_denoiser.json", numbers)


if __name__ == "__main__":
    run("train_denoiser", Params, main)
