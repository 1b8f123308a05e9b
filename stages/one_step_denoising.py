from pydantic import Field, NonNegativeInt

from fundiff.pictures.outs import Outs
from fundiff.pictures.sources import load_picture
from fundiff.pipeline.params import Section
from fundiff.pipeline.stage import run
from fundiff.techniques.bench import open_bench
from fundiff.techniques.restoration import noisy, one_step, psnr_ssim


class Params(Section):
    seed: int
    image: str
    prompt: str
    timesteps: list[NonNegativeInt] = Field(min_length=1)


def main(params: Params) -> None:
    outs, bench = Outs("one_step_denoising"), open_bench([params.prompt])
    image = load_picture("data/pictures", params.image, bench.prior.size).to(bench.device)
    pictures = {t: noisy(bench.path, params.seed, image, t) for t in params.timesteps}
    clean = {t: one_step(bench, x_t, t, params.prompt) for t, x_t in pictures.items()}
    rows = [[image, pictures[t][0], clean[t][0]] for t in pictures]
    labels = ["original", "noisy", "one-step estimate"]
    outs.grid(rows, row_labels=[f"t = {t}" for t in pictures], column_labels=labels, panel=1.6)
    for t, x in clean.items():
        outs.single(f"t_{t:03d}", x[0])
    numbers = {t: psnr_ssim(x, image) | {"noisy": psnr_ssim(pictures[t], image)} for t, x in clean.items()}
    outs.numbers({"t": numbers, "prompt": params.prompt})


if __name__ == "__main__":
    run("one_step_denoising", Params, main)
