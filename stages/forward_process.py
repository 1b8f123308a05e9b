from pydantic import Field, NonNegativeInt

from fundiff.pictures.grids import grid
from fundiff.pictures.restoration import psnr
from fundiff.pipeline.params import Section
from fundiff.prior.hub import load_pinned
from fundiff.prior.pixel_prior import load_scheduler
from fundiff.process.schedule import Schedule
from fundiff.techniques.bench import fetched, folder, keep_numbers, keep_single, noised, run_stage, shown

STAGE = "forward_process"


class Params(Section):
    seed: int
    image: str
    timesteps: list[NonNegativeInt] = Field(min_length=1)


def main(params: Params) -> None:
    schedule = Schedule.of(load_scheduler(load_pinned("data/model.json")))
    image = fetched(params.image)
    noisy = {t: noised(schedule, params.seed, image, t)[0] for t in params.timesteps}
    labels = [params.image.replace("_", " "), *(f"t = {t}" for t in noisy)]
    grid(
        folder(STAGE) / f"{STAGE}.png",
        [[shown(x) for x in (image, *noisy.values())]],
        column_labels=labels,
        panel=1.8,
    )
    for t, x in noisy.items():
        keep_single(STAGE, f"t_{t:03d}", x)
    numbers = {
        t: {"signal": float(schedule.abar(t, x).sqrt()), "psnr": psnr(shown(x), shown(image))}
        for t, x in noisy.items()
    }
    keep_numbers(STAGE, {"t": numbers})


if __name__ == "__main__":
    run_stage(STAGE, Params, main)
