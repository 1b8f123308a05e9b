from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from fundiff.digits.estimators import classed, mixed
from fundiff.digits.networks import load_unet, process_of
from fundiff.digits.sampling import deterministic, sample
from fundiff.digits.unet import UNet
from fundiff.pictures.grids import gif, grid, thinned, tile
from fundiff.pipeline.noise import sample_generators
from fundiff.pipeline.params import Section
from fundiff.pipeline.runtime import Runtime, detect
from fundiff.pipeline.stage import run
from fundiff.process.predictions import Process
from fundiff.sampling.estimate import Estimate, Estimator
from fundiff.sampling.loop import last

FOLDER = "report/figures/digit_walks"
COLUMNS = 9


Digit = Annotated[int, Field(ge=0, le=9)]


class Interpolation(Section):
    pairs: list[tuple[Digit, Digit]] = Field(min_length=1, description="digits that turn into one another")
    frames: int = Field(ge=2, description="on the way from one to the other")
    steps: int = Field(ge=1)


class Params(Section):
    seed: int
    guidance_scale: float = Field(ge=0, description="1 is no guidance")
    steps: int = Field(ge=1, description="of the denoising")
    digit: Digit = Field(description="the one that the still figure follows")
    interpolation: Interpolation


def guesses(estimator: Estimator, process: Process, seen: list[Tensor]) -> Estimator:
    """The same estimator, which notes in `seen` the image that each of its answers comes to."""

    def noted(x_t: Tensor, t: float) -> Estimate:
        estimate = estimator(x_t, t)
        seen.append(process.x0(x_t, t, estimate.eps))
        return estimate

    return noted


def denoising(unet: UNet, process: Process, params: Params, runtime: Runtime) -> None:
    """Ten digits on their way out of the noise, and what the network takes each for."""
    seen: list[Tensor] = []
    estimator = classed(unet, torch.arange(10, device=runtime.device), process, params.guidance_scale)
    generators = sample_generators(params.seed, 10)
    frames = list(sample(guesses(estimator, process, seen), process, generators, runtime, params.steps))
    both = [torch.cat([x, guess]) for x, guess in zip(frames, seen, strict=True)]
    gif(f"{FOLDER}/denoising.gif", [tile(both[i], 10) for i in thinned(len(both))])
    chosen = thinned(len(both), COLUMNS)
    rows = [[both[i][row + params.digit] for i in chosen] for row in (0, 10)]
    told = [f"step {i + 1}" for i in chosen]
    grid(f"{FOLDER}/denoising.png", rows, ["the sample", "the guess"], told, panel=0.9)


def interpolation(unet: UNet, process: Process, params: Params, runtime: Runtime) -> None:
    """From one digit to another: the same noise, the class mixed."""
    asked = params.interpolation
    shares = torch.linspace(0, 1, asked.frames, device=runtime.device)
    first, second = torch.eye(unet.classes, device=runtime.device)[torch.tensor(asked.pairs)].unbind(1)
    weights = torch.cat([torch.lerp(first, second, float(share)) for share in shares])
    estimator = mixed(unet, weights, process, params.guidance_scale)
    generators = [g for _ in shares for g in sample_generators(params.seed, len(asked.pairs))]
    drawn = last(sample(estimator, process, generators, runtime, asked.steps, deterministic(process)))
    ways = drawn.split(len(asked.pairs))
    sheets = [tile(way, len(asked.pairs), scale=3) for way in ways]
    gif(f"{FOLDER}/interpolation.gif", [*sheets, *sheets[-2::-1]])
    chosen = thinned(len(ways), COLUMNS)
    rows = [[ways[i][pair] for i in chosen] for pair in range(len(asked.pairs))]
    told = [f"{100 * shares[i].item():.0f} %" for i in chosen]
    grid(f"{FOLDER}/interpolation.png", rows, [f"{a} to {b}" for a, b in asked.pairs], told, panel=0.9)


def main(params: Params) -> None:
    runtime = detect()
    unet, config = load_unet("models/class_unet")
    unet, process = runtime.place(unet), process_of(config)
    denoising(unet, process, params, runtime)
    interpolation(unet, process, params, runtime)


if __name__ == "__main__":
    run("digit_walks", Params, main)
