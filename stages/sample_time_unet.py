import torch
from pydantic import Field

from fundiff.digits.estimators import timed
from fundiff.digits.networks import load_unet, process_of
from fundiff.digits.samples import sample, times
from fundiff.judge.classifier import verdicts
from fundiff.judge.digit_scoring import DigitScoring, SampleParams, write_samples
from fundiff.pictures.films import save_steps
from fundiff.pictures.grids import grid
from fundiff.pipeline import workers
from fundiff.pipeline.noise import sample_generators
from fundiff.pipeline.progress import progress
from fundiff.pipeline.runtime import prepare_runtime
from fundiff.pipeline.stage import run

COLUMNS = 10


class Params(SampleParams):
    count: int = Field(ge=1, le=100, description="samples in the figure")


def main(params: Params) -> None:
    runtime, mine = prepare_runtime(), workers.share(params.count)
    for epoch in load_unet("models/time_unet")[1]["snapshots"]:
        unet, config = load_unet("models/time_unet", epoch)
        process = process_of(config)
        estimator = timed(runtime.place(unet), process)
        generators = sample_generators(params.seed, params.count)[mine]
        steps = sample(estimator, process, generators, runtime, params.steps)
        moving = progress(steps, f"samples after epoch {epoch}", params.steps)
        frames = [workers.gathered(frame, params.count) for frame in moving]
        rows = [list(row) for row in frames[-1].split(COLUMNS)]
        grid(f"report/figures/time_unet/epoch_{epoch:03d}.png", rows, panel=0.8)
        about = f"after epoch {epoch}, no class"
        path = f"report/figures/time_unet/epoch_{epoch:03d}.webp"
        save_steps(path, frames, COLUMNS, times(process, params.steps), about)
    scoring = DigitScoring(params.seed, runtime)
    sets = scoring.sets(estimator, process, scoring.reference.size, **dict(params.scored))
    seen = verdicts(scoring.judge, torch.cat(sets))[1]
    write_samples("time_unet", params.scored, sets, seen, scoring.score(sets) | scoring.reference_values())


if __name__ == "__main__":
    run("sample_time_unet", Params, main)
