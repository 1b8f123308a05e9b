import torch
from pydantic import Field, NonNegativeFloat
from torch import Tensor, nn

from fundiff.digits.data import load_digits
from fundiff.digits.networks import load_unet
from fundiff.digits.objectives import noised
from fundiff.judge.scores import rounded
from fundiff.pictures.grids import gif, grid, tile
from fundiff.pictures.restoration import best_sigma, blur, clamped, psnr, ssim
from fundiff.pipeline.files import write_json
from fundiff.pipeline.noise import generator
from fundiff.pipeline.params import Section
from fundiff.pipeline.runtime import Runtime, detect
from fundiff.pipeline.stage import run


class Params(Section):
    seed: int
    sigmas: list[NonNegativeFloat] = Field(min_length=1)
    digits: int = Field(ge=1, le=12, description="test digits in the figure")
    frames: int = Field(ge=2, description="of the animation from sigma 0 to the largest")


@torch.no_grad()
def restore(unet: nn.Module, z: Tensor, runtime: Runtime) -> Tensor:
    """The denoiser's estimate of the clean digits, in batches."""
    with runtime.autocast():
        return clamped(torch.cat([unet(part) for part in z.split(250)]))


def main(params: Params) -> None:
    runtime = detect()
    unet = runtime.place(load_unet("models/denoiser")[0])
    validation, test = (
        load_digits("data/mnist.npz", s, runtime.device).images for s in ("validation", "test")
    )
    mean_image = load_digits("data/mnist.npz", "train", runtime.device).images.mean(0, keepdim=True)
    scores = {}
    for sigma in params.sigmas:
        z = noised(test, sigma, generator(params.seed, "test"))
        width = best_sigma(noised(validation, sigma, generator(params.seed, "validation")), validation)
        restored, smooth = restore(unet, z, runtime), clamped(blur(z, width))
        scores[f"{sigma:g}"] = {
            "psnr": psnr(restored, test),
            "ssim": ssim(restored, test),
            "noisy_psnr": min(psnr(clamped(z), test), 100.0),
            "noisy_ssim": ssim(clamped(z), test),
            "gaussian_psnr": psnr(smooth, test),
            "gaussian_ssim": ssim(smooth, test),
            "gaussian_sigma": width,
            "mean_image_psnr": psnr(mean_image.expand_as(test), test),
        }
    write_json("metrics/ood_sigma.json", rounded(scores))
    shown = test[:: len(test) // params.digits][: params.digits]
    rows, labels = [], []
    for sigma in params.sigmas:
        z = noised(shown, sigma, generator(params.seed, "shown"))
        rows += [list(z), list(restore(unet, z, runtime))]
        labels += [f"σ = {sigma:g}", "denoised"]
    grid("report/figures/ood_sigma.png", rows, labels, panel=0.8)
    frames = []
    for i in range(params.frames):
        z = noised(shown, max(params.sigmas) * i / (params.frames - 1), generator(params.seed, "shown"))
        frames.append(tile(torch.cat([z, restore(unet, z, runtime)]), len(shown)))
    gif("report/figures/ood_sigma.gif", frames, milliseconds=120)


if __name__ == "__main__":
    run("ood_sigma", Params, main)
