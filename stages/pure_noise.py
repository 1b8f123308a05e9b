import torch
from pydantic import Field

from fundiff.digits.data import load_digits
from fundiff.digits.denoising import restore
from fundiff.digits.networks import load_unet
from fundiff.digits.objectives import add_noise
from fundiff.judge.scores import rounded
from fundiff.pictures.grids import grid
from fundiff.pictures.restoration import psnr
from fundiff.pipeline.files import write_json
from fundiff.pipeline.noise import generator
from fundiff.pipeline.params import Section
from fundiff.pipeline.runtime import prepare_runtime
from fundiff.pipeline.stage import run


class Params(Section):
    seed: int
    digits: int = Field(ge=1, le=12, description="samples of pure noise in the figure")


def main(params: Params) -> None:
    runtime = prepare_runtime()
    mean_digit = load_digits("data/mnist.npz", "train", runtime.device).images.mean(0, keepdim=True)
    z = add_noise(
        torch.zeros(params.digits, 1, 28, 28, device=runtime.device), 1.0, generator(params.seed, "shown")
    )
    rows, labels = [z], ["pure noise"]
    for epoch in load_unet("models/pure_noise")[1]["snapshots"]:
        trained = runtime.place(load_unet("models/pure_noise", epoch)[0])
        rows.append(restore(trained, z, runtime))
        labels.append(f"after epoch {epoch}")
    images = [list(row) for row in [*rows, mean_digit]]
    grid("report/figures/pure_noise.png", images, [*labels, "mean of all digits"], panel=0.8)
    distance = {"psnr_to_mean_digit": psnr(rows[-1], mean_digit.expand_as(z))}
    write_json("metrics/pure_noise.json", rounded(distance) | {"runtime": str(runtime)})


if __name__ == "__main__":
    run("pure_noise", Params, main)
