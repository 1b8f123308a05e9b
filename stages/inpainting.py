from fundiff.critic.scoring import load_scorer
from fundiff.pictures.masks import MaskedPicture, load_masked, seam
from fundiff.pictures.outs import Outs, quoted, wrapped
from fundiff.pipeline.noise import generator
from fundiff.pipeline.params import Named
from fundiff.pipeline.stage import run
from fundiff.sampling.constraints import back_and_forth
from fundiff.sampling.loop import calls as unet_calls
from fundiff.techniques.bench import open_bench
from fundiff.techniques.inpainting import Resample, inpaint, known_error
from fundiff.techniques.settings import Guided


class Params(Guided):
    examples: Named[MaskedPicture]
    resample: Resample


def main(params: Params) -> None:
    outs, examples, names = Outs("inpainting"), list(params.examples.values()), list(params.examples)
    prompts = [example.prompt for example in examples]
    bench, scorer = open_bench([*prompts, params.unconditional]), load_scorer()
    originals, masks = load_masked(examples, bench.prior.size, "data/pictures", bench.device)
    frames, calls = {}, {}
    again = {"resampled": params.resample.times} if params.resample.times > 1 else {}
    for kind, times in ({"plain": 1} | again).items():
        path = back_and_forth(bench.timesteps(params), params.resample.length, times)
        calls[kind] = unet_calls(path)
        print(f"inpainting: {calls[kind]} UNet calls, every step {times} times", flush=True)
        own, known = ([generator(params.seed, what, name) for name in names] for what in ("sample", "known"))
        frames[kind] = list(inpaint(bench, params, originals, masks, prompts, path, own, known))
    final = list(frames.values())[-1]
    scores, rows, words, numbers = scorer.aligned(final[-1], prompts), [], [], {}
    for i, (name, original, mask) in enumerate(zip(names, originals, masks, strict=True)):
        results = {kind: seen[-1][i] for kind, seen in frames.items()}
        rows.append([original, mask.expand(3, -1, -1) * 2 - 1, original * (1 - mask), *results.values()])
        words.append([""] * (len(rows[-1]) - 1) + [wrapped(prompts[i])])
        outs.single(name, final[-1][i])
        outs.single(f"{name}_original", original)
        numbers[name] = {
            "known_error": known_error(final[-1][i], original, mask),
            "seam": {kind: seam(result, mask) for kind, result in results.items()},
            "seam_of_original": seam(original, mask),
            "alignment": scores.numbers(i),
        }
    titles = ["original", "mask", "to fill", *(f"{kind}, {count} calls" for kind, count in calls.items())]
    outs.grid(rows, column_labels=titles, captions=words, panel=1.6)
    about = f"{quoted(*prompts)}, guidance {params.guidance_scale:g}"
    outs.animation(final, len(names), [f"t = {t}" for t in path], about)
    outs.numbers(numbers | {"unet_calls": calls})


if __name__ == "__main__":
    run("inpainting", Params, main)
