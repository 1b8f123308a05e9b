from typing import Annotated

import torch
from pydantic import Field

from fundiff.pictures.outs import Outs
from fundiff.pictures.sources import load_picture
from fundiff.pipeline.params import Section
from fundiff.pipeline.stage import run
from fundiff.process.paths import Linear
from fundiff.techniques.flow import error, file_name, point


class Params(Section):
    seed: int
    image: str
    times: list[
        Annotated[float, Field(ge=0, le=1, description="the course's t: 0 is noise, 1 the image")]
    ] = Field(min_length=1)


def main(params: Params) -> None:
    outs, image, path = Outs("flow_forward"), load_picture("data/pictures", params.image), Linear(1000)
    # Any T gives the same points, because `point` takes the course's t.
    pictures = {t: point(path, params.seed, image, t)[0] for t in sorted({0.0, *params.times, 1.0})}
    outs.grid([list(pictures.values())], column_labels=[f"t = {t:g}" for t in pictures], panel=1.8)
    for t, x_t in pictures.items():
        outs.single(f"t_{file_name(t)}", x_t)
    numbers = {f"{t:g}": {"mse": error(x_t[None], image)} for t, x_t in pictures.items()}
    outs.numbers({"t": numbers, "image_exact": torch.equal(pictures[1.0], image)})


if __name__ == "__main__":
    run("flow_forward", Params, main)
