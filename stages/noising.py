from pydantic import Field

from fundiff.digits import load_digits
from fundiff.figures import grid
from fundiff.objectives import noised
from fundiff.params import Section
from fundiff.randomness import generator
from fundiff.stage import run


class Params(Section):
    seed: int
    sigmas: list[float] = Field(min_length=1)
    digits: int = Field(ge=1, le=20)


def main(params: Params) -> None:
    x = load_digits("data/mnist.npz", "test").images
    chosen = x[:: len(x) // params.digits][: params.digits]
    rows = [
        [noised(d, sigma, generator(params.seed, i)) for sigma in params.sigmas] for i, d in enumerate(chosen)
    ]
    grid("report/figures/noising.png", rows, column_labels=[f"σ = {sigma:g}" for sigma in params.sigmas])


if __name__ == "__main__":
    run("noising", Params, main)
