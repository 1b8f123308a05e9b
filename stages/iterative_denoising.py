from pydantic import Field, NonNegativeInt

from fundiff.pictures.outs import Outs, quoted
from fundiff.pictures.restoration import best_blur
from fundiff.pictures.sources import load_picture
from fundiff.pipeline.stage import run
from fundiff.techniques.bench import entry, open_bench
from fundiff.techniques.restoration import iterative, noisy, one_step, psnr_ssim
from fundiff.techniques.settings import Strided


class Params(Strided):
    image: str
    prompt: str
    i_start: int = Field(ge=0, description="index of the first timestep; the course's 10 is t = 690")
    every: int = Field(ge=1, description="the figure shows every n-th step")
    also_from: list[NonNegativeInt] = Field(description="further t to start from, to compare with one step")


def main(params: Params) -> None:
    outs, bench = Outs("iterative_denoising"), open_bench([params.prompt])
    image = load_picture("data/pictures", params.image, bench.prior.size).to(bench.device)
    every = params.timesteps(bench.path)
    timesteps = every[entry(params.i_start, every) :]
    t = timesteps[0]
    x_t = noisy(bench.path, params.seed, image, t)
    frames = iterative(bench, params, x_t, timesteps, params.prompt)
    blurred, kernel, sigma = best_blur(x_t, image[None])
    results = {
        "iterative": frames[-1],
        "one_step": one_step(bench, x_t, t, params.prompt),
        "blurred": blurred,
    }
    seen = range(0, len(frames), params.every)
    outs.grid(
        [[frames[i][0] for i in seen]],
        "steps",
        column_labels=[f"t = {timesteps[i]}" for i in seen],
        panel=1.6,
    )
    titles = ["original", f"noisy, t = {t}", "iterative", "one step", f"blur, σ = {sigma:g}"]
    pictures = [image, x_t[0], *(x[0] for x in results.values())]
    outs.grid([pictures], "comparison", column_labels=titles, panel=1.6)
    outs.animation(frames, 1, [f"t = {t}" for t in timesteps], f"{quoted(params.prompt)}, no guidance")
    for name, x in results.items():
        outs.single(name, x[0])
    further = {}
    for t_0 in params.also_from:
        start, path = noisy(bench.path, params.seed, image, t_0), [t_0, *(s for s in every if s < t_0)]
        restored = iterative(bench, params, start, path, params.prompt)[-1]
        outs.single(f"t_{t_0:03d}", restored[0])
        further[t_0] = psnr_ssim(restored, image)
    numbers = {name: psnr_ssim(x, image) for name, x in results.items()} | {"noisy": psnr_ssim(x_t, image)}
    outs.numbers(numbers | {"t": t, "from": further, "blur": {"kernel": kernel, "sigma": sigma}})


if __name__ == "__main__":
    run("iterative_denoising", Params, main)
