from pydantic import Field, NonNegativeInt

from fundiff.pictures.classical import best_blur
from fundiff.pictures.grids import grid
from fundiff.pipeline.params import Section
from fundiff.prior.hub import load_pinned
from fundiff.prior.pixel_prior import load_scheduler
from fundiff.process.schedule import Schedule
from fundiff.techniques.bench import (
    fetched,
    fidelity,
    folder,
    keep_numbers,
    keep_single,
    noised,
    run_stage,
    shown,
)

STAGE = "gaussian_denoising"


class Params(Section):
    seed: int
    image: str
    timesteps: list[NonNegativeInt] = Field(min_length=1)


def main(params: Params) -> None:
    schedule = Schedule.of(load_scheduler(load_pinned("data/model.json")))
    image = fetched(params.image)
    noisy = {t: noised(schedule, params.seed, image, t) for t in params.timesteps}
    blurred = {t: best_blur(x, image[None]) for t, x in noisy.items()}
    labels = [f"t = {t}" for t in noisy]
    captions = [
        [""] * len(noisy),
        [f"kernel {kernel}, σ = {sigma:g}" for _, kernel, sigma in blurred.values()],
    ]
    rows = [[shown(x[0]) for x in noisy.values()], [shown(x[0]) for x, _, _ in blurred.values()]]
    grid(folder(STAGE) / f"{STAGE}.png", rows, ["noisy", "best blur"], labels, captions, panel=1.8)
    numbers = {}
    for t, (x, kernel, sigma) in blurred.items():
        keep_single(STAGE, f"t_{t:03d}", x[0])
        numbers[t] = fidelity(x, image) | {"kernel": kernel, "sigma": sigma}
    keep_numbers(STAGE, {"t": numbers})


if __name__ == "__main__":
    run_stage(STAGE, Params, main)
