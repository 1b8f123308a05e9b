from fundiff.pictures.outs import Outs
from fundiff.pipeline.stage import run
from fundiff.techniques.bench import open_flow_bench
from fundiff.techniques.illusions import FlowAnagramParams, draw_anagrams, prompts_of


class Params(FlowAnagramParams):
    pass


def main(params: Params) -> None:
    bench = open_flow_bench([*prompts_of(params), params.unconditional])
    draw_anagrams(Outs("flow_anagrams"), bench, params)


if __name__ == "__main__":
    run("flow_anagrams", Params, main)
