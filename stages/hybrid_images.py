import torch
from pydantic import Field

from fundiff.alignment import best
from fundiff.errors import UserError
from fundiff.estimators import hybrid, lowpass
from fundiff.figures import gif, grid, tile
from fundiff.params import Section
from fundiff.randomness import generator
from fundiff.views import afar
from stages._part_a import Bench, GuidedParams, aligned, folder, keep_numbers, keep_single, run_stage, shown, wrapped

STAGE = "hybrid_images"


class Pair(Section):
    far: str = Field(description="the prompt seen from afar: the low frequencies")
    near: str = Field(description="the prompt seen from near: the high frequencies")


class Params(GuidedParams):
    hybrids: dict[str, Pair] = Field(min_length=1)
    samples: int = Field(ge=1, description="drawn of each; the one that reads best near and afar is shown")
    kernel: int = Field(ge=3, description="of the Gaussian, odd")
    sigma: float = Field(gt=0, description="of the Gaussian, in pixels")
    zoom: int = Field(ge=2, description="frames of the animation")


def main(params: Params) -> None:
    bench = Bench()
    if params.kernel % 2 == 0 or params.kernel // 2 >= bench.prior.size:
        limit = f"an odd number below {2 * bench.prior.size}"
        raise UserError(f"params.yaml: hybrid_images.kernel is {params.kernel}; expected {limit}")
    pairs = [(name, pair, i) for name, pair in params.hybrids.items() for i in range(params.samples)]
    low = bench.guided(params, [pair.far for _, pair, _ in pairs])
    high = bench.guided(params, [pair.near for _, pair, _ in pairs])
    generators = [generator(params.seed, name, i) for name, _, i in pairs]
    estimator = hybrid(low, high, params.kernel, params.sigma)
    *_, last = bench.denoise(params, bench.noise(generators), estimator, params.timesteps, generators)
    rows, words, numbers = [], [], {}
    for n, (name, pair) in enumerate(params.hybrids.items()):
        drawn = last[n * params.samples : (n + 1) * params.samples]
        blurred = lowpass(drawn, params.kernel, params.sigma)
        read = [aligned(x, [key] * len(x)) for x, key in ((drawn, pair.near), (blurred, pair.far))]
        chosen = best(torch.stack([judged.margin for judged in read]))
        image = drawn[chosen]
        numbers[name] = {"near": read[0].numbers(chosen), "far": read[1].numbers(chosen)}
        numbers[name] |= {"chosen": chosen, "of": params.samples}
        rows.append([shown(image), shown(afar(image, 0.35)), shown(blurred[chosen])])
        far, near = (wrapped(bench.prompts.text(key)) for key in (pair.far, pair.near))
        words.append([f"near:\n{near}", f"afar:\n{far}", "its low frequencies"])
        keep_single(STAGE, name, image)
        shares = [1 - 0.8 * i / (params.zoom - 1) for i in range(params.zoom)]
        frames = [tile(shown(afar(image, share, 4))[None], 1, scale=1) for share in [*shares, *reversed(shares)]]
        gif(folder(STAGE) / f"{name}.gif", frames, milliseconds=90)
    grid(folder(STAGE) / f"{STAGE}.png", rows, captions=words, panel=1.9)
    keep_numbers(STAGE, numbers)


if __name__ == "__main__":
    run_stage(STAGE, Params, main)
