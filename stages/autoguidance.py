from pydantic import Field, NonNegativeFloat

from fundiff.digits.estimators import timed
from fundiff.digits.networks import load_unet, process_of
from fundiff.digits.samples import deterministic
from fundiff.judge.digit_scoring import DigitScoring
from fundiff.judge.scores import certainty, clarity, rounded
from fundiff.pictures.grids import grid
from fundiff.pipeline.files import write_json
from fundiff.pipeline.params import Section
from fundiff.pipeline.runtime import prepare_runtime
from fundiff.pipeline.stage import run
from fundiff.sampling.estimators import guide
from fundiff.sampling.intervals import Interval, between

SAMPLES, SCORES = 12, ("frechet", "coverage", "recall", "nearest_train_mse")


class Params(Section):
    seed: int
    epoch: int = Field(ge=1, description="a kept epoch of train_time_unet, the weaker network")
    guidance_scales: list[NonNegativeFloat] = Field(min_length=2, description="1 is no guidance")
    guidance_interval: Interval
    steps: int = Field(ge=1, description="steps of the deterministic sampler")


def main(params: Params) -> None:
    runtime, (last, config) = prepare_runtime(), load_unet("models/time_unet")
    early, process = load_unet("models/time_unet", params.epoch)[0], process_of(config)
    strong, weak = (timed(runtime.place(unet), process) for unet in (last, early))
    scoring, sampler = DigitScoring(params.seed, runtime), deterministic(process)
    real = certainty(scoring.judge, scoring.test.images)
    numbers, rows = {}, []
    for scale in sorted({*params.guidance_scales}):
        estimator = guide(strong, weak, scale, between(params.guidance_interval, process.path))
        sets = scoring.sets(estimator, process, scoring.reference.size, 1, sampler, params.steps)
        scores = scoring.score(sets)
        numbers[f"{scale:g}"] = {name: scores[name] for name in SCORES} | {
            "clarity": clarity(certainty(scoring.judge, sets[0]), real)
        }
        rows.append(list(sets[0][:SAMPLES]))
    grid("report/figures/autoguidance.png", rows, [f"γ = {scale}" for scale in numbers], panel=0.7)
    told = {"guidance": numbers, "real": scoring.reference_values(), "epoch": params.epoch}
    write_json("metrics/autoguidance.json", rounded(told | {"runtime": str(runtime)}))


if __name__ == "__main__":
    run("autoguidance", Params, main)
