import torch
from pydantic import Field, NonNegativeFloat

from fundiff.digits.data import load_digits
from fundiff.digits.denoising import restoration_scores, restore
from fundiff.digits.networks import load_unet
from fundiff.digits.objectives import add_noise
from fundiff.judge.scores import rounded
from fundiff.pictures.films import save_film
from fundiff.pictures.grids import grid, tile
from fundiff.pipeline.files import write_json
from fundiff.pipeline.noise import generator
from fundiff.pipeline.params import Section
from fundiff.pipeline.runtime import prepare_runtime
from fundiff.pipeline.stage import run


class Params(Section):
    seed: int
    sigmas: list[NonNegativeFloat] = Field(min_length=1)
    digits: int = Field(ge=1, le=12, description="test digits in the figure")
    frames: int = Field(ge=2, description="frames of the animation, from sigma 0 to the largest")


def main(params: Params) -> None:
    runtime = prepare_runtime()
    unet = runtime.place(load_unet("models/denoiser")[0])
    validation, test = (
        load_digits("data/mnist.npz", s, runtime.device).images for s in ("validation", "test")
    )
    mean_image = load_digits("data/mnist.npz", "train", runtime.device).images.mean(0, keepdim=True)
    scores = {}
    for sigma in params.sigmas:
        z = add_noise(test, sigma, generator(params.seed, "test"))
        noisy = add_noise(validation, sigma, generator(params.seed, "validation"))
        restored = restore(unet, z, runtime)
        scores[f"{sigma:g}"] = restoration_scores(restored, z, test, mean_image, noisy, validation)
    write_json("metrics/ood_sigma.json", rounded(scores) | {"runtime": str(runtime)})
    chosen = test[:: len(test) // params.digits][: params.digits]
    rows, labels = [], []
    for sigma in params.sigmas:
        z = add_noise(chosen, sigma, generator(params.seed, "shown"))
        rows += [list(z), list(restore(unet, z, runtime))]
        labels += [f"σ = {sigma:g}", "denoised"]
    grid("report/figures/ood_sigma.png", rows, labels, panel=0.8)
    frames, shown = [], [max(params.sigmas) * i / (params.frames - 1) for i in range(params.frames)]
    for sigma in shown:
        z = add_noise(chosen, sigma, generator(params.seed, "shown"))
        frames.append(tile(torch.cat([z, restore(unet, z, runtime)]), len(chosen), gap=1, scale=1))
    about = "digits with noise, and below them the denoised ones"
    labels = [f"σ = {sigma:.2f}" for sigma in shown]
    save_film("report/figures/ood_sigma.webp", frames, labels, about, milliseconds=120)


if __name__ == "__main__":
    run("ood_sigma", Params, main)
