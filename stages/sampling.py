from pydantic import Field

from fundiff.critic.scoring import load_scorer
from fundiff.pictures.outs import Outs, quoted
from fundiff.pipeline.stage import run
from fundiff.techniques.bench import open_bench
from fundiff.techniques.generation import generated, look
from fundiff.techniques.settings import Strided


class Params(Strided):
    prompt: str
    count: int = Field(ge=1, le=64)


def main(params: Params) -> None:
    outs, bench, prompts = Outs("sampling"), open_bench([params.prompt]), [params.prompt] * params.count
    timesteps = bench.timesteps(params)
    frames = list(generated(bench, params, bench.conditional(prompts), timesteps, params.count))
    outs.grid([frames[-1]], column_labels=[f"sample {i + 1}" for i in range(params.count)], panel=1.6)
    outs.animation(
        frames, params.count, [f"t = {t}" for t in timesteps], f"{quoted(params.prompt)}, no guidance"
    )
    for i, image in enumerate(frames[-1]):
        outs.single(f"{i + 1}", image)
    outs.numbers(look(frames[-1]) | {"alignment": load_scorer().aligned(frames[-1], prompts).mean()})


if __name__ == "__main__":
    run("sampling", Params, main)
