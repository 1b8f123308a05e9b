import torch
from pydantic import Field, NonNegativeFloat

from fundiff.digits.estimators import check_guidance, classed
from fundiff.digits.networks import load_unet, process_of
from fundiff.digits.samples import deterministic, sample
from fundiff.judge.digit_scoring import DigitScoring
from fundiff.judge.scores import rounded
from fundiff.pictures.curves import Panel, plot_curves
from fundiff.pictures.grids import grid
from fundiff.pipeline import workers
from fundiff.pipeline.files import write_json
from fundiff.pipeline.noise import sample_generators
from fundiff.pipeline.params import Section
from fundiff.pipeline.runtime import prepare_runtime
from fundiff.pipeline.stage import run
from fundiff.sampling.loop import last

FOLDER = "report/figures/digit_guidance"
SAMPLES, SCORES = 12, ("accuracy", "frechet", "coverage", "recall")
TITLES = {"frechet": "Frechet classifier distance"}


class Params(Section):
    seed: int
    guidance_scales: list[NonNegativeFloat] = Field(min_length=2, description="1 is no guidance")
    digit: int = Field(ge=0, le=9, description="the class of the figure's samples, at every scale")
    count: int = Field(ge=10, multiple_of=10, description="digits in a set, equally many of each")
    steps: int = Field(ge=1, description="steps of the deterministic sampler")


def main(params: Params) -> None:
    runtime, (unet, config) = prepare_runtime(), load_unet("models/class_unet")
    check_guidance(unet, params.guidance_scales)
    scoring, sampler = DigitScoring(params.seed, runtime), deterministic(process_of(config))
    unet, process, labels = runtime.place(unet), process_of(config), scoring.labels(params.count)
    numbers, rows = {}, []
    for scale in sorted({*params.guidance_scales}):
        estimator = classed(unet, labels[workers.share(params.count)], process, scale)
        sets = scoring.sets(estimator, process, params.count, 1, sampler, params.steps)
        scores = scoring.score(sets, labels)
        numbers[f"{scale:g}"] = {name: scores[name] for name in SCORES}
        estimator = classed(unet, torch.full_like(labels[:1], params.digit).expand(SAMPLES), process, scale)
        noise = sample_generators(params.seed, SAMPLES)
        rows.append(list(last(sample(estimator, process, noise, runtime, params.steps, sampler))))
    grid(f"{FOLDER}/samples.png", rows, [f"γ = {scale}" for scale in numbers], panel=0.7)
    floor = scoring.reference.balanced_floor(params.count)
    levels = floor | {"accuracy": scoring.reference_values()["judge_accuracy"]}
    panels = [
        Panel(TITLES.get(name, name), {"samples": points}, {"real digits": levels[name]}, name not in TITLES)
        for name in SCORES
        for points in [[(float(g), row[name], 0) for g, row in numbers.items()]]
    ]
    plot_curves(f"{FOLDER}/curves.png", panels, "guidance scale γ")
    told = {"guidance": numbers, "real": {name: levels[name] for name in SCORES}, "runtime": str(runtime)}
    write_json("metrics/digit_guidance.json", rounded(told))


if __name__ == "__main__":
    run("digit_guidance", Params, main)
