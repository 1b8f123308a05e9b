from pydantic import Field, NonNegativeInt

from fundiff.pictures.outs import Outs
from fundiff.pictures.restoration import best_blur
from fundiff.pictures.sources import load_picture
from fundiff.pipeline.params import Section
from fundiff.pipeline.stage import run
from fundiff.prior.hub import load_pinned
from fundiff.techniques.restoration import noisy, psnr_ssim


class Params(Section):
    seed: int
    image: str
    timesteps: list[NonNegativeInt] = Field(min_length=1)


def main(params: Params) -> None:
    outs, path = Outs("gaussian_denoising"), load_pinned("data/model.json").schedule.path
    image = load_picture("data/pictures", params.image)
    pictures = {t: noisy(path, params.seed, image, t) for t in params.timesteps}
    blurred = {t: best_blur(x_t, image[None]) for t, x_t in pictures.items()}
    captions = [
        [""] * len(blurred),
        [f"kernel {kernel}, σ = {sigma:g}" for _, kernel, sigma in blurred.values()],
    ]
    rows = [[x[0] for x in pictures.values()], [x[0] for x, _, _ in blurred.values()]]
    columns = [f"t = {t}" for t in pictures]
    outs.grid(rows, row_labels=["noisy", "best blur"], column_labels=columns, captions=captions, panel=1.8)
    numbers = {}
    for t, (x, kernel, sigma) in blurred.items():
        outs.single(f"t_{t:03d}", x[0])
        numbers[t] = psnr_ssim(x, image) | {"kernel": kernel, "sigma": sigma}
    outs.numbers({"t": numbers})


if __name__ == "__main__":
    run("gaussian_denoising", Params, main)
