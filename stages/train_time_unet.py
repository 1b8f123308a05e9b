from fundiff.digits import load_digits
from fundiff.files import write_json
from fundiff.objectives import held_out_noise, noise_prediction
from fundiff.randomness import seeded
from fundiff.runtime import detect
from fundiff.stage import run
from fundiff.unet import UNet
from stages._training import DiffusionParams, fit


class Params(DiffusionParams):
    pass


def main(params: Params) -> None:
    device = detect().device
    train, validation = (load_digits("data/mnist.npz", split, device) for split in ("train", "validation"))
    schedule = params.schedule()
    with seeded(params.seed):
        unet = UNet(params.hidden_size, time=True)
    validate = held_out_noise(validation, schedule, 0, params.seed)
    numbers = fit(
        "train_time_unet", unet, noise_prediction(schedule), validate, train, params, params.config()
    )
    write_json("metrics/train_time_unet.json", numbers)


if __name__ == "__main__":
    run("train_time_unet", Params, main)
