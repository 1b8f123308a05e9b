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
    if wanted.kind == "motion" and wanted.length > bench.prior.size:
        limit = f"is {wanted.length}; expected at most the model's {bench.prior.size}"
        raise UserError(f"params.yaml: factorized_images.images.{name}.length {limit}")
    whats = [
        part.prompt or load_picture("data/pictures", str(part.image), bench.prior.size).to(bench.device)
        for part in wanted.parts
    ]
    known = [generator(params.seed, name, "known", i) for i in range(params.samples)]
    generators = sample_generators(params.seed, params.samples, name)
    return draw_factorized(bench, params, list(zip(wanted.components, whats, strict=True)), generators, known)


def main(params: Params) -> None:
    outs, scorer, rows, words, numbers = Outs("factorized_images"), load_scorer(), [], [], {}
    prompts = [part.prompt for wanted in params.images.values() for part in wanted.parts if part.prompt]
    bench = open_bench([*prompts, params.unconditional])
    for name, wanted in params.images.items():
        drawn = samples_of(bench, params, name, wanted)
        sums = partial_sums(drawn, wanted.components)
        parts = list(zip(wanted.parts, sums, strict=True))
        seen = [(f"component {i}", x, part.prompt) for i, (part, x) in enumerate(parts, 1) if part.prompt]
        chosen, numbers[name] = scorer.best_reading(seen, params.seed)
        whole = drawn[chosen]
        rows.append([whole, *(x[chosen] for x in sums[:-1]), afar(whole, 0.3)])
        texts = [part.prompt or f"as in {part.image}" for part in wanted.parts]
        below = [wrapped(f"{i + 1}: {text}", 20) for i, text in enumerate(texts[:-1])]
        words.append([wrapped(f"the whole: {texts[-1]}", 20), *below, "from afar"])
        outs.single(name, whole)
    outs.grid(rows, row_labels=list(params.images), captions=words, panel=1.7)
    outs.numbers(numbers)


if __name__ == "__main__":
    run("factorized_images", Params, main)
