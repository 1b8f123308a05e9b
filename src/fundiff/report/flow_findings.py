"""What the numbers of the flow form say, in words; t runs from 0 (noise) to 1 (picture)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

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
from fundiff.report.picture_findings import read_well, too_strong


def ends(rows: Sequence[tuple[float, Any]], name: str, form: str) -> str:
    """A measure at the smallest and at the largest t."""
    return listed([f"{row[name]:{form}} at t = {t:g}" for t, row in (rows[0], rows[-1])])


def flow_forward(stage: Stage, stages: Stages) -> str:
    """Whether the line ends at the picture itself, and how the error falls on the way."""
    rows = by_number(stage.metrics["t"])
    way = {"falls": "falls at every step", "stays": "stays the same"}.get(
        trend([row["mse"] for _, row in rows]), "does not fall at every step"
    )
    exact = "is the picture to the last bit" if stage.metrics["image_exact"] else "is not quite the picture"
    return f"The mean squared error (MSE) to the picture {way}: {ends(rows, 'mse', '.4f')}. The point at t = 1 {exact}."


def flow_blur(stage: Stage, stages: Stages) -> str:
    """Which width is best, by t."""
    rows = by_number(stage.metrics["t"])
    widths = [row["best_sigma"] for _, row in rows]
    told = listed([f"σ = {row['best_sigma']:g} at t = {t:g}" for t, row in rows])
    start = {
        "falls": "The more noise (the smaller t), the wider the best blur",
        "stays": "One width is best at every t",
    }.get(trend(widths), "The best width does not simply follow the noise")
    edge = [t for t, row in rows if row["best_sigma"] == max(map(float, row["mse"]))]
    more = f" At t = {listed([f'{t:g}' for t in edge])} that is the widest that was tried." if edge else ""
    return f"{start}, by MSE: {told}.{more}"


def flow_one_step(stage: Stage, stages: Stages) -> str:
    """How the estimate gets better along the line, and whether it beats the blur."""
    rows = by_number(stage.metrics["t"])
    way = "falls" if trend([row["mse"] for _, row in rows]) == "falls" else "goes"
    text = f"The MSE {way} with less noise: {ends(rows, 'mse', '.4f')}."
    if way == "goes":
        text = f"The MSE does not simply fall with less noise: {ends(rows, 'mse', '.4f')}."
    if "flow_blur" not in stages or not comparable(stage, stages["flow_blur"]):
        return text
    blur = {t: min(row["mse"].values()) for t, row in by_number(stages["flow_blur"].metrics["t"])}
    both = [(row["mse"], blur[t]) for t, row in rows if t in blur]
    if not both:
        return text
    won = sum(round(one, 4) < round(other, 4) for one, other in both)
    even = sum(round(one, 4) == round(other, 4) for one, other in both)
    equal = f", and equal to it in four decimal places at {even}" if even else ""
    return f"{text} It is smaller than the best blur’s at {counted(won, len(both))} values of t{equal}."


def flow_velocity(stage: Stage, stages: Stages) -> str:
    """How large the error is, alone and as a share of the update."""
    rows = by_number(stage.metrics["t"])
    way = {"falls": "falls", "rises": "rises"}.get(
        trend([row["rms_error"] for _, row in rows]), "does not only fall or only rise"
    )
    shares = [row["rms_error"] / row["rms_true"] for _, row in rows]
    told = listed([f"{share:.0%} at t = {t:g}" for share, (t, _) in zip(shares, rows, strict=True)])
    what = {
        "rises": "but as a share of the true update it rises"
        if way == "falls"
        else "and as a share of the true update it rises",
        "falls": "and so does its share of the true update"
        if way == "falls"
        else "but its share of the true update falls",
    }.get(trend(shares), "and its share of the true update does not only fall or only rise")
    return f"From noise to picture the error {way} ({ends(rows, 'rms_error', '.3f')}), {what}: {told}."


def flow_euler(stage: Stage, stages: Stages) -> str:
    """Which restoration has the smallest error, beside what the course found."""
    m = stage.metrics
    names = {"euler": "Euler’s steps", "one_step": "one step", "blurred": "the best blur"}
    order = sorted(names, key=lambda name: m[name]["mse"])
    told = listed([f"{names[name]} {m[name]['mse']:.4f}" for name in order])
    even = round(m["euler"]["mse"], 4) == round(m["one_step"]["mse"], 4)
    against = (
        "is as good as" if even else "beats" if order.index("one_step") < order.index("euler") else "loses to"
    )
    same = "as in" if against == "beats" else "unlike in"
    soft = (
        " A soft mean has a small squared error, and detail that is drawn in the wrong place has a large one."
    )
    why = soft if against == "beats" else ""
    return (
        f"MSE from t = {m['start']:g}, best first: {told}. One step {against} Euler here, {same} the course’s own "
        "run (one step 0.0085, Euler 0.0100, blur 0.0242; another model and larger pictures)." + why
    )


def flow_sampling(stage: Stage, stages: Stages) -> str:
    """How the samples compare with guided ones."""
    m = stage.metrics
    fit = [signed(m["alignment"][key]) for key in ("own_prompt", "wrong_prompts")]
    own = f"Alignment with the prompt is {fit[0]}, with other prompts {fit[1]}"
    if "flow_guidance" not in stages:
        return f"{own}."
    w = f"{stages['flow_guidance'].params['w']:g}"
    row = stages["flow_guidance"].metrics["w"][w]
    side = (
        "weaker"
        if m["contrast"] < row["contrast"]
        else "stronger"
        if m["contrast"] > row["contrast"]
        else "the same"
    )
    return f"{own}. Contrast is {side} without guidance than with w = {w}: {m['contrast']:.2f} against {row['contrast']:.2f}."


def flow_guidance(stage: Stage, stages: Stages) -> str:
    """What each measure does over w, and what goes wrong at the largest."""
    rows = by_number(stage.metrics["w"])
    scales = [w for w, _ in rows]
    told = [
        change("the share of values cut off", [row["clipped"] for _, row in rows], scales, ".1%", "w"),
        change("contrast", [row["contrast"] for _, row in rows], scales, symbol="w"),
        change("spread", [row["spread"] for _, row in rows], scales, symbol="w"),
        change("alignment", [row["alignment"]["own_prompt"] for _, row in rows], scales, symbol="w"),
    ]
    return f"From w = {scales[0]:g} to {scales[-1]:g} {'; '.join(told)}. {too_strong(rows, 'w')}"


def flow_editing(stage: Stage, stages: Stages) -> str:
    """Where the given picture comes back, and whether the words are still there."""
    edits = {name: by_number(row) for name, row in stage.metrics["edits"].items()}
    falling = [name for name, row in edits.items() if trend([one["distance"] for _, one in row]) == "falls"]
    first, last = (fmean(row[i][1]["distance"] for row in edits.values()) for i in (0, -1))
    starts = [t for t, _ in next(iter(edits.values()))]
    text = (
        f"The mean distance to the given pictures is {first:.2f} with a start at t = {starts[0]:g} "
        f"and {last:.2f} at t = {starts[-1]:g}; it falls with every later start "
        f"for {counted(len(falling), len(edits))} edits."
    )
    kept = [fmean(row[i][1]["alignment"] for row in edits.values()) for i in (0, -1)]
    side = "lower" if kept[1] < kept[0] else "higher" if kept[1] > kept[0] else "the same"
    told = f"{signed(kept[0])} at t = {starts[0]:g}, {signed(kept[1])} at t = {starts[-1]:g}"
    return f"{text} Mean alignment with the prompts is {side} at the late start: {told}."


def flow_anagrams(stage: Stage, stages: Stages) -> str:
    """Which anagrams read in both views."""
    return read_well(stage.metrics)


def flow_hybrids(stage: Stage, stages: Stages) -> str:
    """Which hybrids read from near and from afar."""
    return read_well(stage.metrics["hybrids"])


def flow_inpainting(stage: Stage, stages: Stages) -> str:
    """Whether a seam is left, and the known region exact."""
    rows: Mapping[str, Any] = stage.metrics
    larger = [name for name, row in rows.items() if row["seam"] > row["seam_of_original"]]
    told = listed(
        [
            f"{spoken(name)} {row['seam']:.3f} against {row['seam_of_original']:.3f}"
            for name, row in rows.items()
        ]
    )
    worst = max(row["known_error"] for row in rows.values())
    exact = (
        "Outside the mask the picture is exact"
        if worst == 0
        else f"Outside the mask the largest error is {worst:.3g}"
    )
    left = ": a rim is left, as the course found too" if 2 * len(larger) > len(rows) else ""
    return (
        f"{exact}. The seam (the mean difference of neighbouring pixels across the mask’s edge) "
        "is larger than the original’s "
        f"in {counted(len(larger), len(rows))} pictures{left} ({told})."
    )


def compare_schedules(stage: Stage, stages: Stages) -> str:
    """Whether the constant rate matches the falling one at the end."""
    m = stage.metrics
    (last, falling), (_, constant) = (by_number(m[name])[-1] for name in ("flow", "flow_constant"))
    gap = constant["frechet"] - falling["frechet"]
    noise = falling["frechet_std"] + constant["frechet_std"]
    match = (
        "matches" if abs(gap) <= noise else "is nearer to real digits than" if gap < 0 else "is worse than"
    )
    points = 100 * (constant["accuracy"] - falling["accuracy"])
    told = f"{constant['frechet']:.2f} against {falling['frechet']:.2f}"
    floor = m["frechet_floor"]
    if min(constant["frechet"], falling["frechet"]) < floor:
        told = f"at least one is below that of real digits at this N, {floor:.2f}, so neither is printed"
    return (
        f"After epoch {last:g} the constant rate with its longer average {match} the falling one in Frechet distance "
        f"({told}; the standard deviations over the seeds sum to {noise:.2f}). "
        f"Its accuracy differs by {signed(points, '+.1f')} percentage points."
    )


FLOWS: dict[str, Finding] = {
    "flow_forward": flow_forward,
    "flow_blur": flow_blur,
    "flow_one_step": flow_one_step,
    "flow_velocity": flow_velocity,
    "flow_euler": flow_euler,
    "flow_sampling": flow_sampling,
    "flow_guidance": flow_guidance,
    "flow_editing": flow_editing,
    "flow_anagrams": flow_anagrams,
    "flow_hybrids": flow_hybrids,
    "flow_inpainting": flow_inpainting,
    "compare_schedules": compare_schedules,
}
