"""Sentences about the numbers of Part A. Each compares numbers, and is chosen by them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import fmean
from typing import Any

from fundiff.pictures.names import sampler_label
from fundiff.report.findings import (
    Finding,
    Stage,
    Stages,
    by_number,
    change,
    comparable,
    counted,
    listed,
    signed,
    spoken,
    trend,
)


def setup(stage: Stage, stages: Stages) -> str:
    """Whether more steps show the prompts better."""
    table = stage.metrics["alignment"]
    counts = sorted(stage.params["num_inference_steps"])
    few, many = (
        fmean(row["own_prompt"] for row in table[f"{n}_steps"].values()) for n in (counts[0], counts[-1])
    )
    numbers = f"mean alignment is {signed(few)} with {counts[0]} steps and {signed(many)} with {counts[-1]}"
    if len(counts) == 1:
        return f"With {counts[0]} steps the mean alignment is {signed(few)}."
    if round(few, 2) == round(many, 2):
        return f"More steps change little in the critic’s score: {numbers}."
    more = "More" if many > few else "Fewer"
    return f"{more} steps give pictures that fit the prompts better here: {numbers}."


def gaussian_denoising(stage: Stage, stages: Stages) -> str:
    """How the width of the best blur depends on the noise."""
    rows = by_number(stage.metrics["t"])
    widths = [row["sigma"] for _, row in rows]
    told = listed([f"{w:g} pixels at t = {t:g}" for w, (t, _) in zip(widths, rows, strict=True)])
    start = "The more noise, the wider the best blur" if trend(widths) == "rises" else "The best blur’s width"
    return f"{start}: {told}."


def one_step_denoising(stage: Stage, stages: Stages) -> str:
    """Whether the model is better than the blur, and how both change with the noise."""
    rows = by_number(stage.metrics["t"])
    falls = trend([row["psnr"] for _, row in rows]) == "falls"
    ends = [f"{row['psnr']:.1f} dB at t = {t:g}" for t, row in (rows[0], rows[-1])]
    noise = f"PSNR {'falls' if falls else 'goes'} from {ends[0]} to {ends[1]}."
    if "gaussian_denoising" not in stages or not comparable(stage, stages["gaussian_denoising"]):
        return noise
    blur = dict(by_number(stages["gaussian_denoising"].metrics["t"]))
    both = [(t, row["psnr"] - blur[t]["psnr"]) for t, row in rows if t in blur]
    if not both:
        return noise
    wins = sum(gain > 0 for _, gain in both)
    told = listed([f"{signed(gain, '+.1f')} dB at t = {t:g}" for t, gain in both])
    return (
        f"One step is better than the best blur at {counted(wins, len(both))} values of t ({told}). {noise}"
    )


def iterative_denoising(stage: Stage, stages: Stages) -> str:
    """Which restoration is closest to the original, and why that may be the single step."""
    m = stage.metrics
    names = {
        "iterative": "the iterative result",
        "one_step": "the one-step estimate",
        "blurred": "the best blur",
    }
    order = sorted(names, key=lambda name: -m[name]["psnr"])
    told = listed([f"{names[name]} {m[name]['psnr']:.1f} dB" for name in order])
    start = f"PSNR to the original, best first: {told}; the noisy image {m['noisy']['psnr']:.1f} dB."
    if m["one_step"]["psnr"] > m["iterative"]["psnr"]:
        return (
            f"{start} One step wins in this measure: an average has the smallest squared error, "
            "and detail that the iterative result invents counts as an error."
        )
    return start + " The iterative result wins even in this measure, which favours averages."


def sampling(stage: Stage, stages: Stages) -> str:
    """How the unguided samples compare with the guided ones."""
    m = stage.metrics
    fit = [signed(m["alignment"][key]) for key in ("own_prompt", "wrong_prompts")]
    own = f"Alignment with the prompt is {fit[0]}, with other prompts {fit[1]}"
    if "guidance" not in stages:
        return own + "."
    scale, guided = f"{stages['guidance'].params['guidance_scale']:g}", stages["guidance"].metrics
    weaker = "weaker" if m["contrast"] < guided["contrast"] else "stronger"
    contrasts = f"{m['contrast']:.2f} against {guided['contrast']:.2f}"
    return f"{own}. Contrast is {weaker} than with guidance {scale}: {contrasts}."


def guidance(stage: Stage, stages: Stages) -> str:
    """How well the guided samples fit the prompt, beside those without guidance."""
    own = f"Alignment with the prompt is {signed(stage.metrics['alignment']['own_prompt'])} with guidance"
    plain = stages.get("sampling")
    if plain is None or any(plain.params[key] != stage.params[key] for key in ("prompt", "count")):
        return own + "."
    return f"{own} and {signed(plain.metrics['alignment']['own_prompt'])} without."


def guidance_sweep(stage: Stage, stages: Stages) -> str:
    """Which measures rise and fall with the guidance scale, and whether negative prompts work."""
    rows = by_number(stage.metrics["guidance"])
    scales = [scale for scale, _ in rows]
    told = [
        change("the share of values cut off", [row["clipped"] for _, row in rows], scales, ".1%"),
        change("contrast", [row["contrast"] for _, row in rows], scales),
        change("spread", [row["spread"] for _, row in rows], scales),
        change("alignment", [row["alignment"]["own_prompt"] for _, row in rows], scales),
    ]
    span = f"From γ = {scales[0]:g} to {scales[-1]:g} {'; '.join(told)}."
    span += f" {too_strong(rows, 'γ')}"
    negative = stage.metrics.get("negative", {})
    if not negative:
        return span
    fewer = sum(row["after"] < row["before"] for row in negative.values())
    many = "negative prompt" if len(negative) == 1 else "negative prompts"
    return f"{span} The critic sees less of the unwanted thing in the samples for {counted(fewer, len(negative))} {many}."


def too_strong(rows: Sequence[tuple[float, Mapping[str, Any]]], symbol: str) -> str:
    """What goes wrong at the largest scale, where something does: values out of range, samples alike, a lost prompt."""
    first, (scale, last) = rows[0][1], rows[-1]
    widest, wide = max(rows, key=lambda entry: entry[1]["spread"])
    wrong = []
    if last["clipped"] > max(2 * first["clipped"], 0.02):
        wrong.append(
            f"{last['clipped']:.0%} of all values leave the picture’s range and are cut off "
            "(too bright colours, grain)"
        )
    if last["spread"] < 0.9 * wide["spread"]:
        wrong.append(f"the samples are more alike than at {symbol} = {widest:g} (many show the same thing)")
    fit, best = (
        row["alignment"]["own_prompt"]
        for row in (last, max((r for _, r in rows), key=lambda r: r["alignment"]["own_prompt"]))
    )
    if fit < best - 0.01:
        wrong.append("the critic sees the prompt less clearly than at a smaller scale")
    if not wrong:
        signs = "values outside the picture’s range, samples that are too alike, a prompt that is lost"
        return f"At {symbol} = {scale:g} there is no sign yet of too much guidance ({signs})."
    return f"{symbol} = {scale:g} is too strong: {listed(wrong)}."


def edits(stage: Stage, stages: Stages) -> str:
    """Whether a higher level stays closer to the input, and where the prompt shows most."""
    table = stage.metrics["distance_per_level"]
    falling = [
        name for name, row in table.items() if trend([value for _, value in by_number(row)]) == "falls"
    ]
    first, last = (fmean(by_number(row)[i][1] for row in table.values()) for i in (0, -1))
    way = f"{first:.2f} at the lowest level to {last:.2f} at the highest"
    nearer = f"The mean distance to the input goes from {way}"
    if len(falling) == len(table):
        always = "For every picture it gets smaller with every higher level"
        return f"{nearer}. {always}: at a higher level the result is closer to the input."
    return (
        f"{nearer}. It gets smaller with every higher level for {counted(len(falling), len(table))} pictures."
    )


def text_sdedit(stage: Stage, stages: Stages) -> str:
    """Up to which level the result shows the prompt."""
    levels: dict[float, list[float]] = {}
    for row in stage.metrics["alignment_per_level"].values():
        for level, value in by_number(row):
            levels.setdefault(level, []).append(value)
    means = {level: fmean(values) for level, values in levels.items()}
    low, high = min(means), max(means)
    ends = [f"{signed(means[level])} at level {level:g}" for level in (low, high)]
    told = f"Mean alignment with the prompt is {ends[0]} and {ends[1]}"
    if means[low] <= means[high]:
        return f"{told}: here the prompt does not get weaker with less noise. {edits(stage, stages)}"
    drop = min(pairwise(sorted(means)), key=lambda pair: means[pair[1]] - means[pair[0]])
    between = f"the largest drop is between levels {drop[0]:g} and {drop[1]:g}"
    return f"{told}; {between}, where the given picture becomes stronger than the prompt."


def inpainting(stage: Stage, stages: Stages) -> str:
    """Whether the border of the mask shows, and whether RePaint's resampling helps."""
    rows = {name: row for name, row in stage.metrics.items() if "seam" in row}
    pairs = [(seam, row["seam_of_original"]) for row in rows.values() for seam in row["seam"].values()]
    larger = sum(seam > own for seam, own in pairs)
    what = "The seam (the difference of neighbouring pixels across the mask’s edge)"
    text = f"{what} is larger than the original’s in {counted(larger, len(pairs))} fillings" + (
        ": a rim is left, as in the course’s own examples." if 2 * larger > len(pairs) else "."
    )
    both = [row["seam"] for row in rows.values() if "resampled" in row["seam"]]
    if both:
        better = sum(seam["resampled"] < seam["plain"] for seam in both)
        text += f" Resampling makes the seam smaller in {counted(better, len(both))} pictures."
    return text


def readings(stage: Stage, stages: Stages) -> str:
    """Which pictures show every prompt in its view, and which do not."""
    return read_well({name: row for name, row in stage.metrics.items() if isinstance(row, dict)})


def read_well(pictures: Mapping[str, Any]) -> str:
    """Which pictures have rank 1 in every reading, and the weakest rank of the others."""
    ranks = {name: max(reading["rank"] for reading in row["readings"]) for name, row in pictures.items()}
    good = [name for name, rank in ranks.items() if rank == 1]
    many = "picture" if len(ranks) == 1 else "pictures"
    told = f"{counted(len(good), len(ranks)).capitalize()} {many} {'have' if len(good) > 1 else 'has'}"
    text = f"{told} rank 1 in every reading (rank 1: the critic puts the right prompt first)."
    if len(good) == len(ranks):
        return text
    weak = [f"{spoken(name)} (worst rank {rank})" for name, rank in ranks.items() if rank > 1]
    return f"{text} Pictures with weaker readings: {listed(weak)}."


def masked_sdedit(stage: Stage, stages: Stages) -> str:
    """At which level the masked region shows its prompt best."""
    best = {
        name: max(by_number(row["alignment_per_level"]), key=lambda entry: entry[1])
        for name, row in stage.metrics.items()
        if isinstance(row, dict)
    }
    told = listed(
        [f"{spoken(name)} at level {level:g} ({signed(value)})" for name, (level, value) in best.items()]
    )
    return f"Best alignment with the prompt: {told}."


def colourisation(stage: Stage, stages: Stages) -> str:
    """Where the colours bring a picture nearer to its prompt than its grey is."""
    rows = {name: row for name, row in stage.metrics.items() if isinstance(row, dict) and "grey_error" in row}
    gains = {name: row["alignment"] - row["alignment_of_grey"] for name, row in rows.items()}
    worse = [spoken(name) for name, gain in gains.items() if gain <= 0]
    better = counted(len(gains) - len(worse), len(gains)).capitalize()
    text = f"{better} pictures fit their prompts better in colour than in grey"
    return f"{text}; {listed(worse)} {'do' if len(worse) > 1 else 'does'} not." if worse else f"{text}."


def samplers(stage: Stage, stages: Stages) -> str:
    """The best sampler with the fewest calls, and what fewer calls cost."""
    table = stage.metrics["alignment"]
    low, high = min(stage.params["calls"]), max(stage.params["calls"])
    few, many = f"{low}_calls", f"{high}_calls"
    best = max(table, key=lambda name: table[name][few]["own_prompt"])
    loss = max(row[many]["own_prompt"] - row[few]["own_prompt"] for row in table.values())
    spread = max(row[many].get("own_prompt_std", 0.0) for row in table.values())
    if loss <= spread:
        cost = f"no sampler loses more than {max(loss, 0):.3f} of alignment compared with {high} calls"
        cost += f", less than the spread between prompts ({spread:.3f})"
    else:
        cost = f"the largest loss of alignment compared with {high} calls is {loss:.3f}"
    top = signed(table[best][few]["own_prompt"], ".3f")
    return f"With {low} calls {sampler_label(best)} fits the prompts best ({top}); {cost}."


PICTURES: dict[str, Finding] = {
    "setup": setup,
    "gaussian_denoising": gaussian_denoising,
    "one_step_denoising": one_step_denoising,
    "iterative_denoising": iterative_denoising,
    "sampling": sampling,
    "guidance": guidance,
    "guidance_sweep": guidance_sweep,
    "sdedit": edits,
    "edit_images": edits,
    "text_sdedit": text_sdedit,
    "inpainting": inpainting,
    "visual_anagrams": readings,
    "hybrid_images": readings,
    "multi_view_anagrams": readings,
    "factorized_images": readings,
    "masked_sdedit": masked_sdedit,
    "colourisation": colourisation,
    "samplers": samplers,
}
