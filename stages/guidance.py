from pydantic import Field

from fundiff.critic.scoring import load_scorer
from fundiff.pictures.outs import Outs, quoted
from fundiff.pipeline.stage import run
from fundiff.techniques.bench import open_bench
from fundiff.techniques.generation import guided_samples, look
from fundiff.techniques.settings import Guided


class Params(Guided):
    prompt: str
    count: int = Field(ge=1, le=64)


def main(params: Params) -> None:
    outs, scorer = Outs("guidance"), load_scorer()
    bench = open_bench([params.prompt, params.unconditional])
    frames = guided_samples(bench, params, params.prompt, params.count)
    times = [f"t = {t}" for t in bench.timesteps(params)]
    scale = f"{params.guidance_scale:g}"
    outs.animation(frames, params.count, times, f"{quoted(params.prompt)}, guidance {scale}")
    labels = [f"sample {i + 1}" for i in range(params.count)]
    outs.grid([frames[-1]], row_labels=[f"γ = {scale}"], column_labels=labels, panel=1.6)
    for i, image in enumerate(frames[-1]):
        outs.single(f"{i + 1}", image)
    prompts = [params.prompt] * params.count
    outs.numbers(look(frames[-1]) | {"alignment": scorer.aligned(frames[-1], prompts).mean()})


if __name__ == "__main__":
    run("guidance", Params, main)
