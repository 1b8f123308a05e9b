import torch
from pydantic import Field

from fundiff.critic.scoring import load_scorer
from fundiff.pictures.outs import Outs, wrapped
from fundiff.pictures.sources import load_picture
from fundiff.pipeline.noise import generator
from fundiff.pipeline.params import Named, Section
from fundiff.pipeline.stage import run
from fundiff.techniques.bench import open_flow_bench
from fundiff.techniques.flow import edited, file_name
from fundiff.techniques.sdedit import distance
from fundiff.techniques.settings import FlowGuided, FlowTime


class Edit(Section):
    image: str
    prompt: str


class Params(FlowGuided):
    edits: Named[Edit]
    starts: list[FlowTime] = Field(
        min_length=1, description="the course's t to start from; a small t means much noise"
    )


def main(params: Params) -> None:
    outs, edits, scorer = Outs("flow_editing"), list(params.edits.values()), load_scorer()
    prompts = [edit.prompt for edit in edits]
    bench = open_flow_bench([*prompts, params.unconditional])
    loaded = [load_picture("data/pictures", edit.image, bench.prior.size) for edit in edits]
    originals, results = torch.stack(loaded).to(bench.device), {}
    for start in sorted(params.starts):
        noise = [generator(params.seed, "edit", edit.image) for edit in edits]
        results[start] = edited(bench, params, originals, prompts, start, noise)
    own = {start: scorer.aligned(pictures, prompts).own for start, pictures in results.items()}
    rows, numbers = [], {}
    for i, name in enumerate(params.edits):
        rows.append([*(pictures[i] for pictures in results.values()), originals[i]])
        numbers[name] = {
            f"{start:g}": {"distance": distance(pictures[i], originals[i]), "alignment": float(own[start][i])}
            for start, pictures in results.items()
        }
        for start, pictures in results.items():
            outs.single(f"{name}_{file_name(start)}", pictures[i])
    labels = [f"{name.replace('_', ' ')}:\n{wrapped(edit.prompt)}" for name, edit in params.edits.items()]
    columns = [*(f"t = {start:g}" for start in results), "original"]
    outs.grid(rows, row_labels=labels, column_labels=columns, panel=1.2)
    outs.numbers({"edits": numbers, "w": params.w, "gamma": params.guidance_scale})


if __name__ == "__main__":
    run("flow_editing", Params, main)
