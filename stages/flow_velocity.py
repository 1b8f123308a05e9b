from pydantic import Field

from fundiff.pictures.outs import Outs
from fundiff.pictures.sources import load_picture
from fundiff.pipeline.params import Section
from fundiff.pipeline.stage import run
from fundiff.techniques.bench import open_flow_bench
from fundiff.techniques.flow import updates
from fundiff.techniques.settings import FlowTime


class Params(Section):
    seed: int
    image: str
    prompt: str
    times: list[FlowTime] = Field(min_length=1)


def main(params: Params) -> None:
    outs, bench = Outs("flow_velocity"), open_flow_bench([params.prompt])
    image = load_picture("data/pictures", params.image, bench.prior.size).to(bench.device)
    found = {t: updates(bench, params.seed, image, t, params.prompt) for t in params.times}
    # One symmetric scale for all updates, with zero at mid-grey, and one scale from 0 for all errors.
    scale = max(float(update.abs().max()) for u in found.values() for update in (u.predicted, u.true))
    worst = max(float(u.error.max()) for u in found.values())
    rows = [
        [u.x_t, u.predicted / scale, u.true / scale, (u.error / worst * 2 - 1).expand_as(u.x_t)]
        for u in found.values()
    ]
    columns = [
        "x_t",
        f"predicted update\n(1 - t) v, ±{scale:.2f}",
        f"true update\n(1 - t)(x_1 - ε), ±{scale:.2f}",
        f"error, RMS over RGB\n0 to {worst:.2f}",
    ]
    outs.grid(rows, row_labels=[f"t = {t:g}" for t in found], column_labels=columns, panel=1.8)
    numbers = {
        f"{t:g}": {
            "rms_error": float(u.error.square().mean().sqrt()),
            "rms_true": float(u.true.square().mean().sqrt()),
        }
        for t, u in found.items()
    }
    outs.numbers({"t": numbers, "update_scale": scale, "error_scale": worst})


if __name__ == "__main__":
    run("flow_velocity", Params, main)
