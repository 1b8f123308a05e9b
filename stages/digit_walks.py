from typing import Annotated

import torch
from pydantic import Field

from fundiff.digits.networks import load_unet, process_of
from fundiff.digits.samples import times
from fundiff.digits.walks import denoising, interpolation
from fundiff.pictures.films import save_film, save_steps, thinned
from fundiff.pictures.grids import grid, tile
from fundiff.pipeline.params import Section
from fundiff.pipeline.runtime import prepare_runtime
from fundiff.pipeline.stage import run

FOLDER = "report/figures/digit_walks"
COLUMNS = 9
Digit = Annotated[int, Field(ge=0, le=9)]


class Interpolation(Section):
    pairs: list[tuple[Digit, Digit]] = Field(min_length=1, description="classes to interpolate between")
    frames: int = Field(ge=2, description="frames from one class to the other")
    steps: int = Field(ge=1)


class Params(Section):
    seed: int
    guidance_scale: float = Field(ge=0, description="1 is no guidance")
    steps: int = Field(ge=1, description="steps of the denoising")
    digit: Digit = Field(description="the class in the still figure")
    interpolation: Interpolation


def main(params: Params) -> None:
    runtime, (unet, config) = prepare_runtime(), load_unet("models/class_unet")
    unet, process = runtime.place(unet), process_of(config)
    both = denoising(unet, process, params.seed, params.guidance_scale, params.steps, runtime)
    at, about = times(process, params.steps), f"x_t and the guess, guidance {params.guidance_scale:g}"
    save_steps(f"{FOLDER}/denoising.webp", both, 10, at, about)
    chosen = thinned(len(both), COLUMNS)
    rows = [[both[i][row + params.digit] for i in chosen] for row in (0, 10)]
    grid(f"{FOLDER}/denoising.png", rows, ["the sample", "the guess"], [at[i] for i in chosen], panel=0.9)
    asked = params.interpolation
    pairs, shares = asked.pairs, torch.linspace(0, 1, asked.frames, device=runtime.device)
    ways = interpolation(
        unet, process, pairs, shares, params.seed, params.guidance_scale, asked.steps, runtime
    )
    sheets = [tile(way, len(pairs), gap=1, scale=1) for way in ways]
    mixed, names = [f"{share:.0%}" for share in shares.tolist()], [f"{a} to {b}" for a, b in pairs]
    about = f"{', '.join(names)}, guidance {params.guidance_scale:g}"
    save_film(f"{FOLDER}/interpolation.webp", sheets + sheets[-2::-1], mixed + mixed[-2::-1], about)
    chosen = thinned(len(ways), COLUMNS)
    rows = [[ways[i][p] for i in chosen] for p in range(len(pairs))]
    grid(f"{FOLDER}/interpolation.png", rows, names, [mixed[i] for i in chosen], panel=0.9)


if __name__ == "__main__":
    run("digit_walks", Params, main)
