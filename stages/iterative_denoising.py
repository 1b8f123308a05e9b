from pydantic import Field

from fundiff.pictures.classical import best_blur
from fundiff.pictures.grids import grid
from fundiff.pipeline.noise import generator
from fundiff.sampling.estimators import conditional
from fundiff.techniques.bench import (
    Bench,
    CourseParams,
    animate,
    entry,
    fidelity,
    folder,
    keep_numbers,
    keep_single,
    noised,
    run_stage,
    shown,
)

STAGE = "iterative_denoising"


class Params(CourseParams):
    image: str
    prompt: str
    i_start: int = Field(ge=0, description="where in the timesteps to start; the course's 10 is t = 690")
    every: int = Field(ge=1, description="show every so many steps")


def main(params: Params) -> None:
    bench = Bench()
    image = bench.picture(params.image)
    timesteps = params.timesteps[entry(params.i_start, params.timesteps) :]
    t = timesteps[0]
    noisy = noised(bench.prior.path, params.seed, image, t)
    estimator = conditional(bench.prior, bench.states([params.prompt]))
    steps = bench.denoise(params, noisy, estimator, timesteps, [generator(params.seed, "sample", 0)])
    frames = [noisy, *steps]
    one_step = bench.prior.path.x0_of(noisy, t, estimator(noisy, t)[0])
    blurred, kernel, sigma = best_blur(noisy, image[None])
    seen = range(0, len(frames), params.every)
    labels = [f"t = {timesteps[i]}" for i in seen]
    grid(folder(STAGE) / "steps.png", [[shown(frames[i][0]) for i in seen]], column_labels=labels, panel=1.6)
    results = {"iterative": frames[-1], "one_step": one_step, "blurred": blurred}
    titles = ["original", f"noisy, t = {t}", "iterative", "one step", f"blur, σ = {sigma:g}"]
    pictures = [image, noisy[0], *(x[0] for x in results.values())]
    grid(folder(STAGE) / "comparison.png", [[shown(x) for x in pictures]], column_labels=titles, panel=1.6)
    animate(STAGE, frames, 1, scale=4)
    for name, x in results.items():
        keep_single(STAGE, name, x[0])
    numbers = {name: fidelity(x, image) for name, x in results.items()} | {"noisy": fidelity(noisy, image)}
    keep_numbers(STAGE, numbers | {"t": t, "blur": {"kernel": kernel, "sigma": sigma}})


if __name__ == "__main__":
    run_stage(STAGE, Params, main)
