from fundiff.critic.scoring import load_scorer
from fundiff.pictures.masks import MaskedPicture, load_masked
from fundiff.pictures.outs import Outs, wrapped
from fundiff.pipeline.noise import generator
from fundiff.pipeline.params import Named
from fundiff.pipeline.stage import run
from fundiff.sampling.constraints import keep
from fundiff.techniques.bench import entry, open_bench
from fundiff.techniques.inpainting import known_error
from fundiff.techniques.sdedit import sdedit
from fundiff.techniques.settings import Guided, Levels


class Params(Guided):
    examples: Named[MaskedPicture]
    levels: Levels


def main(params: Params) -> None:
    outs, scorer = Outs("masked_sdedit"), load_scorer()
    bench = open_bench([*(example.prompt for example in params.examples.values()), params.unconditional])
    timesteps = bench.timesteps(params)
    levels = sorted({entry(level, timesteps) for level in params.levels})
    jobs = [(level, name, example) for level in levels for name, example in params.examples.items()]
    size, device = bench.prior.size, bench.device
    originals, masks = load_masked([example for _, _, example in jobs], size, "data/pictures", device)
    generators = [generator(params.seed, "edit", name) for _, name, _ in jobs]
    known = [generator(params.seed, "known", name, level) for level, name, _ in jobs]
    constraint = keep(originals, masks, bench.path, known, timesteps[-1])
    prompts = [example.prompt for _, _, example in jobs]
    starts = [level for level, _, _ in jobs]
    edited = sdedit(bench, params, originals, prompts, starts, generators, constraint)
    # The constraint acts after each step; a row that starts at the last timestep takes no step.
    edited = masks * edited + (1 - masks) * originals
    scores = scorer.aligned(edited, prompts)
    numbers: dict[str, dict] = {
        name: {"known_error": 0.0, "alignment_per_level": {}} for name in params.examples
    }
    rows = {name: [originals[i], masks[i].expand(3, -1, -1) * 2 - 1] for i, (_, name, _) in enumerate(jobs)}
    for i, (level, name, _) in enumerate(jobs):
        error = known_error(edited[i], originals[i], masks[i])
        numbers[name]["known_error"] = max(numbers[name]["known_error"], error)
        numbers[name]["alignment_per_level"][level] = float(scores.own[i])
        outs.single(f"{name}_level_{level:02d}", edited[i])
        rows[name].append(edited[i])
    words = [["", "", wrapped(e.prompt), *[""] * (len(levels) - 1)] for e in params.examples.values()]
    labels = ["original", "mask", *(f"level {level}, t {timesteps[level]}" for level in levels)]
    outs.grid(list(rows.values()), column_labels=labels, captions=words, panel=1.5)
    outs.numbers(numbers)


if __name__ == "__main__":
    run("masked_sdedit", Params, main)
