import torch
from pydantic import Field

from fundiff.digits.data import load_digits
from fundiff.digits.denoising import restore
from fundiff.digits.networks import load_unet
from fundiff.digits.objectives import add_noise
from fundiff.pictures.grids import grid
from fundiff.pipeline.noise import generator
from fundiff.pipeline.params import Section
from fundiff.pipeline.runtime import prepare_runtime
from fundiff.pipeline.stage import run


class Params(Section):
    seed: int
    sigma: float = Field(gt=0)
    digits: int = Field(ge=1, le=12)


def main(params: Params) -> None:
    runtime = prepare_runtime()
    x = load_digits("data/mnist.npz", "test", runtime.device).images
    x = x[:: len(x) // params.digits][: params.digits]
    z = torch.cat([add_noise(d[None], params.sigma, generator(params.seed, i)) for i, d in enumerate(x)])
    rows, labels = [x, z], ["clean", f"noisy, σ = {params.sigma:g}"]
    for epoch in load_unet("models/denoiser")[1]["snapshots"]:
        unet = runtime.place(load_unet("models/denoiser", epoch)[0])
        rows.append(restore(unet, z, runtime))
        labels.append(f"after epoch {epoch}")
    grid("report/figures/sample_denoiser.png", [list(row) for row in rows], labels)


if __name__ == "__main__":
    run("sample_denoiser", Params, main)
