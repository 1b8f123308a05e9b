from pydantic import Field

from fundiff.pictures.outs import Outs
from fundiff.pictures.sources import load_picture
from fundiff.pipeline.params import Section
from fundiff.pipeline.stage import run
from fundiff.techniques.bench import open_flow_bench
from fundiff.techniques.flow import error, file_name, point
from fundiff.techniques.restoration import one_step, psnr_ssim
from fundiff.techniques.settings import FlowTime


class Params(Section):
    seed: int
    image: str
    prompt: str
    times: list[FlowTime] = Field(min_length=1)


def main(params: Params) -> None:
    outs, bench = Outs("flow_one_step"), open_flow_bench([params.prompt])
    image, path = (
        load_picture("data/pictures", params.image, bench.prior.size).to(bench.device),
        bench.prior.path,
    )
    noisy = {t: point(path, params.seed, image, t) for t in params.times}
    clean = {t: one_step(bench, x_t, path.at_alpha(t), params.prompt) for t, x_t in noisy.items()}
    columns = ["original", "noisy", "one step"]
    rows = [[image, noisy[t][0], clean[t][0]] for t in params.times]
    outs.grid(rows, row_labels=[f"t = {t:g}" for t in params.times], column_labels=columns, panel=1.6)
    for t, x in clean.items():
        outs.single(f"t_{file_name(t)}", x[0])
    numbers = {f"{t:g}": psnr_ssim(x, image) | {"mse": error(x, image)} for t, x in clean.items()}
    outs.numbers({"t": numbers, "prompt": params.prompt})


if __name__ == "__main__":
    run("flow_one_step", Params, main)
