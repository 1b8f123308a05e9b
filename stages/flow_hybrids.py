from pydantic import Field

from fundiff.critic.scoring import load_scorer
from fundiff.pictures.films import afar
from fundiff.pictures.outs import Outs, wrapped
from fundiff.pipeline.noise import generator
from fundiff.pipeline.params import Named
from fundiff.pipeline.stage import run
from fundiff.sampling.estimators import lowpass
from fundiff.techniques.bench import open_flow_bench
from fundiff.techniques.flow import hybrid_kernel
from fundiff.techniques.hybrids import Pair, draw_hybrid
from fundiff.techniques.settings import FlowGuided


class Params(FlowGuided):
    hybrids: Named[Pair]
    samples: int = Field(ge=1, description="samples of each; the critic's best one is shown")
    smoothing: float = Field(gt=0, le=4, description="the filter's sigma as a multiple of the course's")


def main(params: Params) -> None:
    outs, scorer, pairs = Outs("flow_hybrids"), load_scorer(), params.hybrids
    bench = open_flow_bench(
        [params.unconditional, *(text for p in pairs.values() for text in (p.far, p.near))]
    )
    kernel, sigma = hybrid_kernel(bench.prior.size)
    sigma *= params.smoothing
    jobs = [(name, pair, i) for name, pair in pairs.items() for i in range(params.samples)]
    far, near = ([getattr(pair, side) for _, pair, _ in jobs] for side in ("far", "near"))
    generators = [generator(params.seed, name, i) for name, _, i in jobs]
    drawn = draw_hybrid(bench, params, far, near, kernel, sigma, generators)
    rows, words, numbers = [], [], {}
    for (name, pair), samples in zip(pairs.items(), drawn.split(params.samples), strict=True):
        seen = [("near", samples, pair.near), ("far", lowpass(samples, kernel, sigma), pair.far)]
        chosen, numbers[name] = scorer.best_reading(seen, params.seed, hiding=True)
        rows.append([samples[chosen], afar(samples[chosen], 1 / 8), seen[1][1][chosen]])
        words.append([f"near:\n{wrapped(pair.near)}", f"afar:\n{wrapped(pair.far)}", "its low frequencies"])
        outs.single(name, samples[chosen])
    outs.grid(rows, captions=words, panel=1.9)
    outs.numbers({"hybrids": numbers, "filter": {"kernel": kernel, "sigma": sigma}})


if __name__ == "__main__":
    run("flow_hybrids", Params, main)
