from pydantic import Field, NonNegativeInt

from fundiff.pictures.grids import grid
from fundiff.pipeline.params import Section
from fundiff.sampling.estimators import conditional
from fundiff.techniques.bench import (
    Bench,
    fidelity,
    folder,
    keep_numbers,
    keep_single,
    noised,
    run_stage,
    shown,
)

STAGE = "one_step_denoising"


class Params(Section):
    seed: int
    image: str
    prompt: str
    timesteps: list[NonNegativeInt] = Field(min_length=1)


def main(params: Params) -> None:
    bench = Bench()
    image = bench.picture(params.image)
    estimator = conditional(bench.prior, bench.states([params.prompt]))
    noisy = {t: noised(bench.prior.schedule, params.seed, image, t) for t in params.timesteps}
    clean = {t: bench.prior.schedule.x0(x, t, estimator(x, t)[0]) for t, x in noisy.items()}
    rows = [[shown(x) for x in (image, noisy[t][0], clean[t][0])] for t in noisy]
    labels = ["original", "noisy", "one-step estimate"]
    grid(folder(STAGE) / f"{STAGE}.png", rows, [f"t = {t}" for t in noisy], labels, panel=1.6)
    for t, x in clean.items():
        keep_single(STAGE, f"t_{t:03d}", x[0])
    numbers = {t: fidelity(x, image) | {"noisy": fidelity(noisy[t], image)} for t, x in clean.items()}
    keep_numbers(STAGE, {"t": numbers, "prompt": bench.prompts.text(params.prompt)})


if __name__ == "__main__":
    run_stage(STAGE, Params, main)
