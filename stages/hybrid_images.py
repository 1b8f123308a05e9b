from pydantic import Field

from fundiff.critic.scoring import load_scorer
from fundiff.pictures.films import afar, zoom_shares, zooming
from fundiff.pictures.outs import Outs, unit, wrapped
from fundiff.pipeline.noise import generator
from fundiff.pipeline.params import Named
from fundiff.pipeline.stage import run
from fundiff.sampling.estimators import lowpass
from fundiff.techniques.bench import open_bench
from fundiff.techniques.hybrids import Pair, draw_hybrid
from fundiff.techniques.settings import Guided


class Params(Guided):
    hybrids: Named[Pair]
    samples: int = Field(ge=1, description="samples of each; the critic's best one is shown")
    kernel: int = Field(ge=3, le=1025, description="size of the Gaussian kernel in pixels, odd")
    sigma: float = Field(ge=0.01, le=1000, description="sigma of the Gaussian in pixels")
    zoom: int = Field(ge=2, le=200, description="frames of the animation")


def main(params: Params) -> None:
    outs, scorer, pairs = Outs("hybrid_images"), load_scorer(), params.hybrids
    bench = open_bench(
        [params.unconditional, *(text for pair in pairs.values() for text in (pair.far, pair.near))]
    )
    jobs = [(name, pair, i) for name, pair in pairs.items() for i in range(params.samples)]
    far, near = ([getattr(pair, side) for _, pair, _ in jobs] for side in ("far", "near"))
    generators = [generator(params.seed, name, i) for name, _, i in jobs]
    drawn = draw_hybrid(bench, params, far, near, params.kernel, params.sigma, generators)
    rows, words, numbers = [], [], {}
    for (name, pair), samples in zip(pairs.items(), drawn.split(params.samples), strict=True):
        blurred = lowpass(samples, params.kernel, params.sigma)
        seen = [("near", samples, pair.near), ("far", blurred, pair.far)]
        chosen, numbers[name] = scorer.best_reading(seen, params.seed, hiding=True)
        rows.append([samples[chosen], afar(samples[chosen], 0.2), blurred[chosen]])
        words.append([f"near:\n{wrapped(pair.near)}", f"afar:\n{wrapped(pair.far)}", "its low frequencies"])
        outs.single(name, samples[chosen])
        sizes = [f"{share:.0%} of the size" for share in zoom_shares(params.zoom)]
        about = f"near: {pair.near}; far: {pair.far}"
        outs.film(name, zooming(unit(samples[chosen]), params.zoom), sizes, about)
    outs.grid(rows, captions=words, panel=1.9)
    outs.numbers(numbers)


if __name__ == "__main__":
    run("hybrid_images", Params, main)
