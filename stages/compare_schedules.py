from pydantic import Field

from fundiff.digits.networks import load_unet, process_of
from fundiff.digits.samples import deterministic
from fundiff.judge.few_calls import CallsParams, Trial
from fundiff.judge.scores import rounded
from fundiff.pictures.grids import grid
from fundiff.pipeline.files import write_json
from fundiff.pipeline.stage import run

NETWORKS = {"flow": "decaying rate", "flow_constant": "constant rate"}


class Params(CallsParams):
    calls: list[int] = Field(min_length=1, max_length=1, description="UNet calls of every sample")


def main(params: Params) -> None:
    trial, numbers, rows, labels = Trial(params), {}, [], []
    for network, name in NETWORKS.items():
        config = load_unet(f"models/{network}")[1]
        process, by_epoch = process_of(config), {}
        for epoch in config["snapshots"]:
            unet = trial.runtime.place(load_unet(f"models/{network}", epoch)[0])
            by_epoch[str(epoch)], row = trial.measure(unet, process, deterministic(process), params.calls[0])
            rows.append(row)
            labels.append(f"epoch {epoch}\n{name}")
        numbers[network] = by_epoch
    grid("report/figures/compare_schedules.png", rows, labels, panel=0.8)
    write_json("metrics/compare_schedules.json", rounded(numbers | trial.reference_values()))


if __name__ == "__main__":
    run("compare_schedules", Params, main)
