from fundiff.digits.data import load_digits
from fundiff.digits.fit import TrainParams, fitted
from fundiff.digits.objectives import held_out_single_step, single_step
from fundiff.digits.unet import UNet
from fundiff.pipeline.files import write_json
from fundiff.pipeline.noise import seeded
from fundiff.pipeline.runtime import prepare_runtime
from fundiff.pipeline.stage import run

STAGE = "train_pure_noise"


class Params(TrainParams):
    pass


def main(params: Params) -> None:
    device = prepare_runtime().device
    train, validation = (load_digits("data/mnist.npz", split, device) for split in ("train", "validation"))
    with seeded(params.seed):
        unet = UNet(params.hidden_size)
    loss = single_step(1.0, signal=0.0)
    validate = held_out_single_step(validation, 1.0, params.seed, signal=0.0)
    config = {"hidden_size": params.hidden_size}
    with fitted(STAGE, unet, loss, validate, train, params, config) as numbers:
        write_json(f"metrics/{STAGE}.json", numbers)


if __name__ == "__main__":
    run(STAGE, Params, main)
