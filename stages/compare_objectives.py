from typing import Any

from torch import Tensor

from fundiff.digits.networks import load_unet, process_of
from fundiff.digits.samples import deterministic
from fundiff.judge.few_calls import CallsParams, Trial, panels
from fundiff.judge.scores import rounded
from fundiff.pictures.curves import plot_curves
from fundiff.pictures.grids import grid
from fundiff.pipeline.files import write_json
from fundiff.pipeline.stage import run

FOLDER = "report/figures/compare_objectives"
NETWORKS = ("ddpm", "flow")
NAMES = {"eps": "DDPM", "v": "v-prediction", "flow": "flow matching"}


class Params(CallsParams):
    pass


def main(params: Params) -> None:
    trial, most = Trial(params), max(params.calls)
    numbers: dict[str, Any] = {}
    rows: dict[str, list[tuple[int, str, list[Tensor]]]] = {"epochs": [], "calls": []}
    curves = {}
    for network in NETWORKS:
        config = load_unet(f"models/{network}")[1]
        process, name = process_of(config), NAMES[config.get("objective", "eps")]
        sampler, by_epoch = deterministic(process), {}
        for epoch in config["snapshots"]:
            unet = trial.runtime.place(load_unet(f"models/{network}", epoch)[0])
            by_epoch[str(epoch)], row = trial.measure(unet, process, sampler, most)
            rows["epochs"].append((epoch, f"epoch {epoch}\n{name}", row))
        # The last epoch was measured with the largest number of calls above.
        by_calls = {str(most): by_epoch[str(config["epochs"])]}
        rows["calls"].append((most, f"{most} calls\n{name}", row))
        for calls in sorted({*params.calls} - {most}):
            by_calls[str(calls)], row = trial.measure(unet, process, sampler, calls)
            rows["calls"].append((calls, f"{calls} calls\n{name}", row))
        numbers[network] = {"epochs": by_epoch, "calls": by_calls, "sampler": sampler}
        curves[name] = by_calls
    real = trial.reference_values()
    for stem, found in rows.items():
        found.sort(key=lambda one: one[0])
        _, labels, images = zip(*found, strict=True)
        grid(f"{FOLDER}/{stem}.png", images, labels, panel=0.8)
    plot_curves(f"{FOLDER}/curves.png", panels(curves, real), "UNet calls")
    write_json("metrics/compare_objectives.json", rounded(numbers | real))


if __name__ == "__main__":
    run("compare_objectives", Params, main)
