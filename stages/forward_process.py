from pydantic import Field, NonNegativeInt

from fundiff.pictures.outs import Outs, unit
from fundiff.pictures.restoration import psnr
from fundiff.pictures.sources import load_picture
from fundiff.pipeline.params import Section
from fundiff.pipeline.stage import run
from fundiff.prior.hub import load_pinned
from fundiff.techniques.restoration import noisy


class Params(Section):
    seed: int
    image: str
    timesteps: list[NonNegativeInt] = Field(min_length=1)


def main(params: Params) -> None:
    outs, path = Outs("forward_process"), load_pinned("data/model.json").schedule.path
    image = load_picture("data/pictures", params.image)
    pictures = {t: noisy(path, params.seed, image, t)[0] for t in params.timesteps}
    labels = [params.image.replace("_", " "), *(f"t = {t}" for t in pictures)]
    outs.grid([[image, *pictures.values()]], column_labels=labels, panel=1.8)
    numbers = {}
    for t, x_t in pictures.items():
        outs.single(f"t_{t:03d}", x_t)
        numbers[t] = {"signal": float(path.alpha(t)), "psnr": psnr(unit(x_t), unit(image))}
    outs.numbers({"t": numbers})


if __name__ == "__main__":
    run("forward_process", Params, main)
