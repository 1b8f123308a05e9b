from pydantic import Field, NonNegativeFloat

from fundiff.digits.data import load_digits
from fundiff.digits.objectives import add_noise
from fundiff.pictures.grids import grid
from fundiff.pipeline.noise import generator
from fundiff.pipeline.params import Section
from fundiff.pipeline.stage import run


class Params(Section):
    seed: int
    sigmas: list[NonNegativeFloat] = Field(min_length=1)
    digits: int = Field(ge=1, le=20)


def main(params: Params) -> None:
    x = load_digits("data/mnist.npz", "test").images
    chosen = x[:: len(x) // params.digits][: params.digits]
    rows = [
        [add_noise(d, sigma, generator(params.seed, i)) for sigma in params.sigmas]
        for i, d in enumerate(chosen)
    ]
    grid("report/figures/noising.png", rows, column_labels=[f"σ = {sigma:g}" for sigma in params.sigmas])


if __name__ == "__main__":
    run("noising", Params, main)
