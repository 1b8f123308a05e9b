import torch
from pydantic import Field, NonNegativeFloat

from fundiff.digits.estimators import check_guidance, classed
from fundiff.digits.networks import load_unet, process_of
from fundiff.digits.samples import sample, times
from fundiff.judge.digit_scoring import DigitScoring, SampleParams, summary, write_samples
from fundiff.pictures.films import save_steps
from fundiff.pictures.grids import grid
from fundiff.pipeline import workers
from fundiff.pipeline.noise import sample_generators
from fundiff.pipeline.progress import progress
from fundiff.pipeline.runtime import prepare_runtime
from fundiff.pipeline.stage import run


class Params(SampleParams):
    per_digit: int = Field(ge=1, le=10, description="samples of each digit in the figure")
    guidance_scale: float = Field(ge=0, description="1 is no guidance")
    guidance_scales: list[NonNegativeFloat] = Field(
        description="further scales to score, to compare accuracy and diversity"
    )


def main(params: Params) -> None:
    runtime = prepare_runtime()
    digits = torch.arange(10).repeat(params.per_digit).to(runtime.device)
    mine = workers.share(len(digits))
    last, config = load_unet("models/class_unet")
    check_guidance(last, [params.guidance_scale, *params.guidance_scales])
    for epoch in config["snapshots"]:
        unet, config = load_unet("models/class_unet", epoch)
        unet, process = runtime.place(unet), process_of(config)
        estimator = classed(unet, digits[mine], process, params.guidance_scale)
        generators = sample_generators(params.seed, len(digits))[mine]
        steps = sample(estimator, process, generators, runtime, params.steps)
        moving = progress(steps, f"samples after epoch {epoch}", params.steps)
        frames = [workers.gathered(frame, len(digits)) for frame in moving]
        rows = [list(row) for row in frames[-1].split(10)]
        grid(f"report/figures/class_unet/epoch_{epoch:03d}.png", rows, panel=0.8)
        about = f"after epoch {epoch}, guidance {params.guidance_scale:g}"
        path = f"report/figures/class_unet/epoch_{epoch:03d}.webp"
        save_steps(path, frames, 10, times(process, params.steps), about)
    scoring, scores = DigitScoring(params.seed, runtime), {}
    labels = scoring.labels(scoring.reference.size)
    mine = workers.share(len(labels))
    for guidance_scale in sorted({*params.guidance_scales, params.guidance_scale}):
        estimator = classed(unet, labels[mine], process, guidance_scale)
        sets = scoring.sets(estimator, process, len(labels), **dict(params.scored))
        scores[guidance_scale] = scoring.score(sets, labels)
        if guidance_scale == params.guidance_scale:
            chosen = sets
    told = summary(scores, params.guidance_scale) | scoring.reference_values()
    write_samples("class_unet", params.scored, chosen, labels.repeat(len(chosen)), told)


if __name__ == "__main__":
    run("sample_class_unet", Params, main)
