from typing import Annotated

import torch
from pydantic import Field

from fundiff.digits.networks import load_unet, process_of
from fundiff.digits.walks import denoising, interpolation
from fundiff.pictures.films import gif, thinned
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
    gif(f"{FOLDER}/denoising.gif", [tile(both[i], 10) for i in thinned(len(both))])
    chosen = thinned(len(both), COLUMNS)
    rows, steps = (
        [[both[i][row + params.digit] for i in chosen] for row in (0, 10)],
        [f"step {i + 1}" for i in chosen],
    )
    grid(f"{FOLDER}/denoising.png", rows, ["the sample", "the guess"], steps, panel=0.9)
    asked = params.interpolation
    pairs, shares = asked.pairs, torch.linspace(0, 1, asked.frames, device=runtime.device)
    ways = interpolation(
        unet, process, pairs, shares, params.seed, params.guidance_scale, asked.steps, runtime
    )
    sheets = [tile(way, len(pairs), scale=3) for way in ways]
    gif(f"{FOLDER}/interpolation.gif", [*sheets, *sheets[-2::-1]])
    chosen = thinned(len(ways), COLUMNS)
    rows, told = (
        [[ways[i][p] for i in chosen] for p in range(len(pairs))],
        [f"{100 * shares[i].item():.0f} %" for i in chosen],
    )
    grid(f"{FOLDER}/interpolation.png", rows, [f"{a} to {b}" for a, b in pairs], told, panel=0.9)


if __name__ == "__main__":
    run("digit_walks", Params, main)
