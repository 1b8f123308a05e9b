from typing import Annotated

from pydantic import Field

from fundiff.pictures.outs import Outs, quoted
from fundiff.pictures.sources import load_picture
from fundiff.pipeline.stage import run
from fundiff.techniques.bench import open_flow_bench
from fundiff.techniques.flow import blurs, denoised, error, point
from fundiff.techniques.restoration import one_step, psnr_ssim
from fundiff.techniques.settings import Flow


class Params(Flow):
    image: str
    prompt: str
    start: float = Field(gt=0, lt=1, description="the course's t at which the noisy image is taken")
    every: int = Field(ge=1, description="the figure shows every n-th step")
    sigmas: list[Annotated[float, Field(gt=0)]] = Field(min_length=1, description="of the compared blurs")


def main(params: Params) -> None:
    outs, bench = Outs("flow_euler"), open_flow_bench([params.prompt])
    image, path = (
        load_picture("data/pictures", params.image, bench.prior.size).to(bench.device),
        bench.prior.path,
    )
    x_t = point(path, params.seed, image, params.start)
    frames = list(denoised(bench, params, x_t, params.start, params.prompt))
    times = [float(path.alpha(t)) for t in params.timesteps(path, params.start)]
    tried = blurs(x_t, params.start, image, params.sigmas)
    sigma = min(tried, key=lambda sigma: tried[sigma][1])
    results = {
        "euler": frames[-1],
        "one_step": one_step(bench, x_t, path.at_alpha(params.start), params.prompt),
        "blurred": tried[sigma][0],
    }
    seen = sorted({*range(0, len(frames), params.every), len(frames) - 1})
    columns = [f"t = {times[i]:.2f}" for i in seen]
    outs.grid([[frames[i][0] for i in seen]], "steps", column_labels=columns, panel=1.6)
    words = {
        "euler": f"Euler, {len(frames) - 1} steps",
        "one_step": "one step",
        "blurred": f"blur, σ = {sigma:g} of 512",
    }
    columns = ["original", f"t = {params.start:g}", *words.values()]
    plates = [image, x_t[0], *(x[0] for x in results.values())]
    captions = [["", *(f"MSE {error(x, image):.4f}" for x in (x_t, *results.values()))]]
    outs.grid([plates], "comparison", column_labels=columns, captions=captions, panel=1.6)
    outs.animation(frames, 1, [f"t = {t:.2f}" for t in times], f"{quoted(params.prompt)}, no guidance")
    for name, x in results.items():
        outs.single(name, x[0])
    numbers = {name: psnr_ssim(x, image) | {"mse": error(x, image)} for name, x in results.items()}
    steps = {f"{start:g}": len(params.timesteps(path, start)) - 1 for start in (0, 0.5, 0.93)}
    outs.numbers(numbers | {"start": params.start, "steps_from": steps})


if __name__ == "__main__":
    run("flow_euler", Params, main)
