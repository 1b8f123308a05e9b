from typing import Annotated

from pydantic import Field

from fundiff.pictures.outs import Outs
from fundiff.pictures.sources import load_picture
from fundiff.pipeline.params import Section
from fundiff.pipeline.stage import run
from fundiff.process.paths import Linear
from fundiff.techniques.flow import blurs, file_name, point

Noisy = Annotated[float, Field(gt=0, lt=1, description="the course's t, between noise and image")]


class Params(Section):
    seed: int
    image: str
    times: list[Noisy] = Field(min_length=1)
    sigmas: list[Annotated[float, Field(gt=0)]] = Field(
        min_length=1, description="of the Gaussian, in pixels of a picture of 512; they scale with the side"
    )


def main(params: Params) -> None:
    outs, image, rows, words, numbers = (
        Outs("flow_blur"),
        load_picture("data/pictures", params.image),
        [],
        [],
        {},
    )
    for t in params.times:
        # Any T gives the same points, because `point` takes the course's t.
        x_t = point(Linear(1000), params.seed, image, t)
        tried = blurs(x_t, t, image, params.sigmas)
        best = min(tried, key=lambda sigma: tried[sigma][1])
        rows.append([x_t[0], x_t[0] / t, *(blurred[0] for blurred, _ in tried.values())])
        words.append(["", "", *(f"MSE {mse:.4f}" + ", best" * (s == best) for s, (_, mse) in tried.items())])
        outs.single(f"t_{file_name(t)}", tried[best][0][0])
        numbers[f"{t:g}"] = {"best_sigma": best, "mse": {f"{s:g}": mse for s, (_, mse) in tried.items()}}
    columns = ["x_t", "x_t / t", *(f"σ = {sigma:g} of 512" for sigma in dict.fromkeys(params.sigmas))]
    outs.grid(
        rows,
        row_labels=[f"t = {t:g}" for t in params.times],
        column_labels=columns,
        captions=words,
        panel=1.3,
    )
    outs.numbers({"t": numbers})


if __name__ == "__main__":
    run("flow_blur", Params, main)
