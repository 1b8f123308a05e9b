from functools import partial

import torch
from pydantic import Field

from fundiff.critic.scoring import load_scorer
from fundiff.pictures.films import afar
from fundiff.pictures.outs import Outs, wrapped
from fundiff.pictures.sources import load_picture
from fundiff.pipeline.errors import UserError
from fundiff.pipeline.noise import generator, sample_generators
from fundiff.pipeline.params import Named
from fundiff.pipeline.stage import run
from fundiff.techniques.bench import Bench, open_bench
from fundiff.techniques.factorized import Factorized, draw_factorized, partial_sums
from fundiff.techniques.settings import Guided


class Params(Guided):
    images: Named[Factorized]
    samples: int = Field(ge=1, description="samples of each; the critic's best one is shown")


def samples_of(bench: Bench, params: Params, name: str, wanted: Factorized) -> torch.Tensor:
    """Samples `[N, 3, S, S]` of one factorized picture. Raises UserError if the motion is longer than the picture."""
    side = bench.prior.size
    if wanted.kind == "motion" and wanted.length > side:
        length = f"params.yaml: factorized_images.images.{name}.length is {wanted.length}"
        raise UserError(f"{length}; expected at most the model's {side}")
    load = partial(load_picture, "data/pictures", size=side)
    whats = [load(str(p.image)).to(bench.device) if p.prompt is None else p.prompt for p in wanted.parts]
    known = [generator(params.seed, name, "known", i) for i in range(params.samples)]
    own = sample_generators(params.seed, params.samples, name)
    return draw_factorized(bench, params, list(zip(wanted.components, whats, strict=True)), own, known)


def main(params: Params) -> None:
    outs, scorer, rows, words, numbers = Outs("factorized_images"), load_scorer(), [], [], {}
    prompts = [
        part.prompt for wanted in params.images.values() for part in wanted.parts if part.prompt is not None
    ]
    bench = open_bench([*prompts, params.unconditional])
    for name, wanted in params.images.items():
        drawn = samples_of(bench, params, name, wanted)
        sums = partial_sums(drawn, wanted.components)
        parts = enumerate(zip(wanted.parts, sums, strict=True), 1)
        seen = [(f"component {i}", x, part.prompt) for i, (part, x) in parts if part.prompt]
        chosen, numbers[name] = scorer.best_reading(seen, params.seed)
        whole = drawn[chosen]
        rows.append([whole, *(x[chosen] for x in sums[:-1]), afar(whole, 0.3)])
        *texts, last = [f"as in {p.image}" if p.prompt is None else p.prompt for p in wanted.parts]
        below = [wrapped(f"{i}: {text}", 20) for i, text in enumerate(texts, 1)]
        words.append([wrapped(f"the whole: {last}", 20), *below, "from afar"])
        outs.single(name, whole)
    outs.grid(rows, row_labels=list(params.images), captions=words, panel=1.7)
    outs.numbers(numbers)


if __name__ == "__main__":
    run("factorized_images", Params, main)
