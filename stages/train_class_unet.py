from pydantic import Field

from fundiff.digits import load_digits
from fundiff.files import write_json
from fundiff.objectives import held_out_noise, noise_prediction
from fundiff.randomness import seeded
from fundiff.runtime import detect
from fundiff.stage import run
from fundiff.unet import UNet
from stages._training import DiffusionParams, fit

CLASSES = 10


class Params(DiffusionParams):
    class_drop: float = Field(
        ge=0, le=1, description="how often the class is hidden: the unconditional branch"
    )


def main(params: Params) -> None:
    device = detect().device
    train, validation = (load_digits("data/mnist.npz", split, device) for split in ("train", "validation"))
    schedule = params.schedule()
    with seeded(params.seed):
        unet = UNet(params.hidden_size, time=True, classes=CLASSES)
    loss = noise_prediction(schedule, CLASSES, params.class_drop)
    validate = held_out_noise(validation, schedule, CLASSES, params.seed)
    numbers = fit(
        "train_class_unet", unet, loss, validate, train, params, params.config() | {"classes": CLASSES}
    )
    write_json("metrics/train_class_unet.json", numbers)


if __name__ == "__main__":
    run("train_class_unet", Params, main)
