from statistics import fmean

from pydantic import Field

from fundiff.critic.scoring import load_scorer
from fundiff.pictures.outs import Outs, wrapped
from fundiff.pictures.sources import load_picture
from fundiff.pipeline.noise import sample_generators
from fundiff.pipeline.params import Named, Section
from fundiff.pipeline.stage import run
from fundiff.techniques.bench import open_bench
from fundiff.techniques.colourisation import colourfulness, colourise, grey, grey_error
from fundiff.techniques.settings import Guided


class Example(Section):
    image: str = Field(description="the picture whose grey is kept")
    prompt: str = Field(description="what its colours are drawn for")


class Params(Guided):
    examples: Named[Example]
    samples: int = Field(ge=1, le=16, description="drawn of each example; all are shown")


def main(params: Params) -> None:
    outs, scorer, rows, numbers = Outs("colourisation"), load_scorer(), [], {}
    prompts = [example.prompt for example in params.examples.values()]
    bench = open_bench([*prompts, params.unconditional])
    for name, example in params.examples.items():
        original = load_picture("data/pictures", example.image, bench.prior.size).to(bench.device)
        # The same noise for every example: two of the same picture differ by their prompts alone.
        own, known = (sample_generators(params.seed, params.samples, what) for what in ("sample", "known"))
        samples = colourise(bench, params, original, example.prompt, own, known)
        shown = {"original": original, "grey": grey(original[None])[0]}
        shown |= {str(i): sample for i, sample in enumerate(samples, 1)}
        for what, picture in shown.items():
            outs.single(f"{name}_{what}", picture)
        rows.append(list(shown.values()))
        numbers[name] = {
            "grey_error": grey_error(samples, original),
            "colourfulness": colourfulness(samples),
            "colourfulness_of_original": colourfulness(original),
            "alignment": float(scorer.aligned(samples, [example.prompt] * len(samples)).own.mean()),
            "alignment_of_grey": float(scorer.aligned(shown["grey"][None], [example.prompt]).own),
        }
    columns = ["original", "its grey", *(f"sample {i + 1}" for i in range(params.samples))]
    outs.grid(rows, row_labels=[wrapped(prompt, 16) for prompt in prompts], column_labels=columns, panel=1.4)
    mean = {key: fmean(row[key] for row in numbers.values()) for key in numbers[name]}
    key_figures = {
        "alignment": {"here": mean["alignment"], "baseline": mean["alignment_of_grey"]},
        "colourfulness": {"here": mean["colourfulness"], "real": mean["colourfulness_of_original"]},
    }
    outs.numbers(numbers | {"key_figures": key_figures})


if __name__ == "__main__":
    run("colourisation", Params, main)
