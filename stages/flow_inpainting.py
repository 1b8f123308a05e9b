from fundiff.critic.scoring import load_scorer
from fundiff.pictures.masks import MaskedPicture, load_masked, seam
from fundiff.pictures.outs import Outs, quoted, wrapped
from fundiff.pipeline.noise import generator
from fundiff.pipeline.params import Named
from fundiff.pipeline.stage import run
from fundiff.techniques.bench import open_flow_bench
from fundiff.techniques.inpainting import inpaint, known_error
from fundiff.techniques.settings import FlowGuided


class Params(FlowGuided):
    examples: Named[MaskedPicture]


def main(params: Params) -> None:
    outs, examples, names = Outs("flow_inpainting"), list(params.examples.values()), list(params.examples)
    prompts = [example.prompt for example in examples]
    bench, scorer = open_flow_bench([*prompts, params.unconditional]), load_scorer()
    originals, masks = load_masked(examples, bench.prior.size, "data/pictures", bench.device)
    own, known = ([generator(params.seed, what, name) for name in names] for what in ("sample", "known"))
    path = bench.timesteps(params)
    frames = list(inpaint(bench, params, originals, masks, prompts, path, own, known, once=True))
    scores, rows, words, numbers = scorer.aligned(frames[-1], prompts), [], [], {}
    for i, (name, original, mask) in enumerate(zip(names, originals, masks, strict=True)):
        filled = frames[-1][i]
        rows.append([original, mask.expand(3, -1, -1) * 2 - 1, original * (1 - mask), filled])
        words.append(["", "", "", wrapped(prompts[i])])
        outs.single(name, filled)
        numbers[name] = {
            "known_error": known_error(filled, original, mask),
            "seam": seam(filled, mask),
            "seam_of_original": seam(original, mask),
            "alignment": scores.numbers(i),
        }
    titles = ["original", "mask", "to fill", f"filled, {len(frames) - 1} steps"]
    outs.grid(rows, column_labels=titles, captions=words, panel=1.6)
    told = f"{quoted(*prompts)}, guidance w = {params.w:g}"
    outs.animation(frames, len(names), [f"t = {bench.path.alpha(t):.2f}" for t in path], told)
    outs.numbers(numbers)


if __name__ == "__main__":
    run("flow_inpainting", Params, main)
