import numpy as np
from pydantic import Field
from torch import Tensor

from fundiff.pictures.grids import gif, grid, tile
from fundiff.pipeline.errors import UserError
from fundiff.pipeline.noise import generator
from fundiff.pipeline.params import Named, Section
from fundiff.sampling.estimators import hybrid, lowpass
from fundiff.techniques.bench import (
    Bench,
    GuidedParams,
    best_reading,
    folder,
    keep_numbers,
    keep_single,
    run_stage,
    shown,
    wrapped,
)
from fundiff.views.registry import afar

STAGE = "hybrid_images"


class Pair(Section):
    far: str = Field(description="the prompt seen from afar: the low frequencies")
    near: str = Field(description="the prompt seen from near: the high frequencies")


class Params(GuidedParams):
    hybrids: Named[Pair]
    samples: int = Field(
        ge=1,
        description="drawn of each; the one that reads best near and afar, and hides the other, is shown",
    )
    kernel: int = Field(ge=3, le=1025, description="of the Gaussian, odd")
    sigma: float = Field(ge=0.01, le=1000, description="of the Gaussian, in pixels")
    zoom: int = Field(ge=2, le=200, description="frames of the animation")


def draw(bench: Bench, params: Params) -> dict[str, Tensor]:
    """All samples `[N, 3, S, S]` of every hybrid, by name, in one batch."""
    jobs = [(name, pair, i) for name, pair in params.hybrids.items() for i in range(params.samples)]
    low = bench.conditional([pair.far for _, pair, _ in jobs])
    high = bench.conditional([pair.near for _, pair, _ in jobs])
    estimator = bench.guide(params, hybrid(low, high, params.kernel, params.sigma), len(jobs))
    generators = [generator(params.seed, name, i) for name, _, i in jobs]
    *_, last = bench.denoise(params, bench.noise(generators), estimator, params.timesteps, generators)
    return dict(zip(params.hybrids, last.split(params.samples), strict=True))


def zooming(image: Tensor, count: int) -> list[np.ndarray]:
    """The frames of a picture `[3, S, S]` that goes away to a fifth of its size and comes back."""
    shares = [1 - 0.8 * i / (count - 1) for i in range(count)]
    return [tile(shown(afar(image, share, 4))[None], 1, scale=1) for share in [*shares, *reversed(shares)]]


def main(params: Params) -> None:
    bench = Bench()
    if params.kernel % 2 == 0 or params.kernel // 2 >= bench.prior.size:
        limit = f"an odd number below {2 * bench.prior.size}"
        raise UserError(f"params.yaml: hybrid_images.kernel is {params.kernel}; expected {limit}")
    rows, words, numbers = [], [], {}
    for name, drawn in draw(bench, params).items():
        pair = params.hybrids[name]
        blurred = lowpass(drawn, params.kernel, params.sigma)
        chosen, numbers[name] = best_reading(
            [("near", drawn, pair.near), ("far", blurred, pair.far)], params.seed, hiding=True
        )
        image = drawn[chosen]
        rows.append([shown(image), shown(afar(image, 0.2)), shown(blurred[chosen])])
        texts = {key: wrapped(bench.prompts.text(key)) for key in (pair.near, pair.far)}
        words.append([f"near:\n{texts[pair.near]}", f"afar:\n{texts[pair.far]}", "its low frequencies"])
        keep_single(STAGE, name, image)
        gif(folder(STAGE) / f"{name}.gif", zooming(image, params.zoom))
    grid(folder(STAGE) / f"{STAGE}.png", rows, captions=words, panel=1.9)
    keep_numbers(STAGE, numbers)


if __name__ == "__main__":
    run_stage(STAGE, Params, main)
