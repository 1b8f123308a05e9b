import torch

from fundiff.digits.data import load_digits
from fundiff.digits.fit import TrainParams, fit
from fundiff.digits.networks import load_unet
from fundiff.digits.objectives import held_out_single_step, noised, single_step
from fundiff.digits.unet import UNet
from fundiff.judge.scores import rounded
from fundiff.pictures.grids import grid
from fundiff.pictures.restoration import clamped, psnr
from fundiff.pipeline.files import write_json
from fundiff.pipeline.noise import generator, seeded
from fundiff.pipeline.runtime import detect
from fundiff.pipeline.stage import run

SHOWN = 10


class Params(TrainParams):
    pass


@torch.no_grad()
def main(params: Params) -> None:
    runtime = detect()
    train, validation = (
        load_digits("data/mnist.npz", split, runtime.device) for split in ("train", "validation")
    )
    with seeded(params.seed):
        unet = UNet(params.hidden_size)
    validate = held_out_single_step(validation, 1.0, params.seed, signal=0.0)
    with torch.enable_grad():
        numbers = fit(
            "pure_noise",
            unet,
            single_step(1.0, signal=0.0),
            validate,
            train,
            params,
            {"hidden_size": params.hidden_size},
        )
    mean_digit = train.images.mean(0, keepdim=True)
    z = noised(torch.zeros(SHOWN, 1, 28, 28, device=runtime.device), 1.0, generator(params.seed, "shown"))
    rows, labels = [z], ["pure noise"]
    for epoch in load_unet("models/pure_noise")[1]["snapshots"]:
        trained = runtime.place(load_unet("models/pure_noise", epoch)[0])
        with runtime.autocast():
            rows.append(clamped(trained(z)))
        labels.append(f"after epoch {epoch}")
    grid(
        "report/figures/pure_noise.png",
        [list(r) for r in [*rows, mean_digit]],
        [*labels, "mean of all digits"],
        panel=0.8,
    )
    write_json(
        "metrics/pure_noise.json",
        numbers | rounded({"psnr_to_mean_digit": psnr(rows[-1], mean_digit.expand_as(z))}),
    )


if __name__ == "__main__":
    run("pure_noise", Params, main)
