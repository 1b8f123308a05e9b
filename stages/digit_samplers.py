from typing import Any

from pydantic import Field

from fundiff.digits.networks import load_unet, process_of
from fundiff.digits.samples import samplers
from fundiff.judge.few_calls import CallsParams, Trial, panels
from fundiff.judge.scores import rounded
from fundiff.pictures.curves import plot_curves
from fundiff.pictures.grids import grid
from fundiff.pictures.names import sampler_label
from fundiff.pipeline.files import write_json
from fundiff.pipeline.stage import run

FOLDER = "report/figures/digit_samplers"


class Params(CallsParams):
    reference: int = Field(
        ge=1, description="UNet calls of the default sampler, with which the others are compared"
    )


def within(scores: dict[str, float], reference: dict[str, float]) -> bool:
    """Whether accuracy and distance are within one standard deviation of the reference, or better."""
    near = scores["frechet"] <= reference["frechet"] + reference["frechet_std"]
    return near and scores["accuracy"] >= reference["accuracy"] - reference["accuracy_std"]


def main(params: Params) -> None:
    trial = Trial(params)
    unet, config = load_unet("models/class_unet")
    unet, process = trial.runtime.place(unet), process_of(config)
    usual = next(iter(samplers(process)))
    numbers: dict[str, Any] = {}
    rows, labels = [], []
    for sampler in samplers(process):
        asked = sorted({*params.calls, *([params.reference] if sampler == usual else [])})
        numbers[sampler] = {}
        for calls in asked:
            numbers[sampler][str(calls)], row = trial.measure(unet, process, sampler, calls)
            rows.append(row)
            labels.append(f"{sampler_label(sampler)}\n{calls} calls")
    reference, real = numbers[usual][str(params.reference)], trial.reference_values()
    told = {
        sampler: {calls: within(scores, reference) for calls, scores in found.items()}
        for sampler, found in numbers.items()
    }
    grid(f"{FOLDER}/samples.png", rows, labels, panel=0.8)
    curves = {sampler_label(sampler): found for sampler, found in numbers.items()}
    plot_curves(f"{FOLDER}/curves.png", panels(curves, real), "UNet calls")
    compared = {"within": told, "reference": f"{usual}, {params.reference} calls"}
    write_json("metrics/digit_samplers.json", rounded({"scores": numbers} | compared | real))


if __name__ == "__main__":
    run("digit_samplers", Params, main)
