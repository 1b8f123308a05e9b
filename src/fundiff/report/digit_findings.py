"""Sentences about the numbers of Part B. Each compares numbers, and is chosen by them."""

from __future__ import annotations

import math
from statistics import fmean

from fundiff.pictures.names import sampler_label
from fundiff.report.findings import Finding, Stage, Stages, by_number, change, counted, listed, trend

COURSE = (300, 1e-4, 0.02)  # T and the ends of beta
BETWEEN_REAL = "that between two sets of real digits"


def loss(stage: Stage, stages: Stages) -> str:
    """Whether the held-out loss still falls, and how far it is from the training loss."""
    first, last = stage.curve[0], stage.curve[-1]
    fell = last["validation_loss"] < first["validation_loss"]
    gap = last["validation_loss"] / last["train_loss"] - 1
    way = f"from {first['validation_loss']:.4f} to {last['validation_loss']:.4f}"
    text = f"On held-out digits the loss {'fell' if fell else 'did not fall'} {way}"
    if gap > 0.1:
        more = "the network fits its training digits better than new ones"
        return f"{text}, and ends {100 * gap:.0f}% above the training loss: {more}."
    side = "within 10% of" if gap > -0.1 else "below"
    return (
        f"{text}, and ends {side} the training loss: no sign that the network memorised its training digits."
    )


def left_in_noise(timesteps: int, beta_start: float, beta_end: float) -> float:
    """The factor of the digit in x_T: the root of abar_T on a linear schedule."""
    steps = range(timesteps)
    betas = (beta_start + (beta_end - beta_start) * i / (timesteps - 1) for i in steps)
    return math.sqrt(math.prod(1 - beta for beta in betas))


def time_unet(stage: Stage, stages: Stages) -> str:
    """The loss, and how far x_T is from the pure noise that sampling begins with."""
    text, p = loss(stage, stages), stage.params
    if p["objective"] != "eps":
        return text
    schedule = (p["timesteps"], p["beta_start"], p["beta_end"])
    own, course = left_in_noise(*schedule), left_in_noise(*COURSE)
    kept = f"the noisiest input in training still contains {own:.2f} times the digit"
    text = f"{text} Sampling begins with pure noise, but {kept}"
    more = f"; with the course’s noise schedule (β up to 0.02) it is {course:.2f} times the digit"
    return f"{text}." if schedule == COURSE else f"{text}{more}."


def ood_sigma(stage: Stage, stages: Stages) -> str:
    """At which noise levels the denoiser is the best method, and at which a simpler one is."""
    rows = by_number(stage.metrics)
    names = {
        "psnr": "the denoiser",
        "gaussian_psnr": "the blur",
        "noisy_psnr": "the unchanged input",
        "mean_image_psnr": "the mean image",
    }
    best = [(sigma, max(names, key=lambda key: row[key])) for sigma, row in rows]
    won = [sigma for sigma, key in best if key == "psnr"]
    lost = [f"{names[key]} at σ = {sigma:g}" for sigma, key in best if key != "psnr"]
    falls = trend([row["psnr"] for _, row in rows]) == "falls"
    ends = [f"{row['psnr']:.1f} dB at σ = {sigma:g}" for sigma, row in (rows[0], rows[-1])]
    return (
        f"The denoiser comes closest to the clean digits at {counted(len(won), len(rows))} strengths of noise"
        + (f". A simpler method comes closer at the others: {listed(lost)}" if lost else "")
        + f". The denoiser’s PSNR {'falls with every larger σ' if falls else 'does not simply fall with σ'}"
        + f": {', '.join(ends)}."
    )


def pure_noise(stage: Stage, stages: Stages) -> str:
    """Whether the output is the mean digit."""
    psnr = stage.metrics["psnr_to_mean_digit"]
    said = "they look the same" if psnr > 25 else "the network has not yet learned the mean"
    return f"PSNR between the network’s answers and the mean training digit is {psnr:.1f} dB: {said}."


def real(m: dict[str, float], key: str, label: str, form: str = "{:.0f}%", times: float = 100) -> str:
    """A measure beside its value for real digits, and which of them is larger."""
    here, there = form.format(times * m[key]), form.format(times * m[f"{key}_real"])
    side = "equal to" if here == there else "above" if m[key] > m[f"{key}_real"] else "below"
    return f"{label} {here}, {side} that of real digits ({there})"


def distance(m: dict[str, float]) -> str:
    """The Frechet distance beside its bounds; below what real digits have it is too small a set's, and not told."""
    if m["frechet"] < m["frechet_floor"]:
        return f"N is too small for a Frechet distance: it is below {BETWEEN_REAL} ({m['frechet_floor']:.2f})"
    return f"The Frechet distance is {m['frechet']:.2f}, above {BETWEEN_REAL} ({m['frechet_floor']:.2f})"


def sample_time_unet(stage: Stage, stages: Stages) -> str:
    """How close the samples are to real digits, and what their recall means."""
    m = stage.metrics
    text = f"{distance(m)}; {real(m, 'coverage', 'coverage is')}; {real(m, 'recall', 'recall is')}."
    if m["recall"] > m["recall_real"] and m["coverage"] < m["coverage_real"]:
        text += " Varied samples, some of which are not digits, raise recall and not coverage."
        text += " So read the two numbers together."
    if "sample_class_unet" in stages:
        other = stages["sample_class_unet"].metrics["frechet"]
        way = "down" if other < m["frechet"] else "up"
        text += f" With class conditioning the distance goes {way} to {other:.2f}."
    return text


def sample_class_unet(stage: Stage, stages: Stages) -> str:
    """What guidance improves and what it makes worse."""
    m = stage.metrics
    rows = by_number(m["accuracy"]["per_guidance"])
    scales = [scale for scale, _ in rows]

    told = [
        change("accuracy", [accuracy for _, accuracy in rows], scales, ".1%"),
        change("recall", [recall for _, recall in by_number(m["recall_per_guidance"])], scales, ".0%"),
    ]
    text = f"From γ = {scales[0]:g} to {scales[-1]:g} {' and '.join(told)}."
    best, nearest = min(by_number(m["frechet_per_guidance"]), key=lambda entry: entry[1])
    text += f" The Frechet distance is smallest at γ = {best:g} ({nearest:.2f})"
    if nearest < m["frechet_floor"]:
        text = text.removesuffix(f" ({nearest:.2f})")
        text += f", where it is below {BETWEEN_REAL} ({m['frechet_floor']:.2f}). So N is too small to say how"
        text += (
            " close the samples are to real digits: in small sets, plain digits that are all alike can have"
        )
        text += " a smaller distance"
    else:
        text += f"; between two sets of real digits it is {m['frechet_floor']:.2f}"
    return text + f". {bounds(m)}"


def bounds(m: dict[str, float]) -> str:
    """Which of two trivial answers has the larger distance to digits."""
    far, near = (
        ("noise", "the mean image")
        if m["frechet_noise"] > m["frechet_mean_image"]
        else ("the mean image", "noise")
    )
    return f"Neither noise nor the mean image is a digit; by this distance {far} is farther from digits than {near}."


def digit_guidance(stage: Stage, stages: Stages) -> str:
    """The best guidance scale for each measure."""
    rows = by_number(stage.metrics["guidance"])
    scales = [scale for scale, _ in rows]
    told = [
        change(key, [row[key] for _, row in rows], scales, ".0%")
        for key in ("accuracy", "coverage", "recall")
    ]
    best = min(rows, key=lambda entry: entry[1]["frechet"])
    text = f"From γ = {scales[0]:g} to {scales[-1]:g} {'; '.join(told)}. The Frechet distance is smallest at γ = {best[0]:g}."
    floor = stage.metrics["real"]["frechet"]
    below = [f"{scale:g}" for scale, row in rows if row["frechet"] < floor]
    if below:
        text += f" At γ = {listed(below)} it is below that of as many real digits ({floor:.2f})"
        text += ": these are too few digits to say more."
    return text


def autoguidance(stage: Stage, stages: Stages) -> str:
    """What guidance away from an earlier epoch changes, and how near to real digits it comes."""
    rows = by_number(stage.metrics["guidance"])
    scales = [scale for scale, _ in rows]
    told = [
        change(key, [row[key] for _, row in rows], scales, ".0%") for key in ("coverage", "recall", "clarity")
    ]
    best, nearest = min(rows, key=lambda entry: entry[1]["frechet"])
    first, floor = rows[0][1]["frechet"], stage.metrics["real"]["frechet_floor"]
    text = f"From γ = {scales[0]:g} to {scales[-1]:g} {listed(told)}. The Frechet distance is smallest at γ = {best:g}"
    if best == scales[0]:
        return f"{text}: here this guidance does not help."
    if nearest["frechet"] < floor:
        return (
            f"{text}, where it is below {BETWEEN_REAL} ({floor:.2f}): these are too few digits to say more."
        )
    compared = f"{nearest['frechet']:.2f}, compared with {first:.2f} at γ = {scales[0]:g}"
    return f"{text}: {compared} and {floor:.2f} between two sets of real digits."


def digit_samplers(stage: Stage, stages: Stages) -> str:
    """The fewest UNet calls with samples as good as those of the course's sampler."""
    m = stage.metrics
    cheap = sorted(
        (int(calls), name) for name, row in m["within"].items() for calls, fits in row.items() if fits
    )
    fewest = cheap[0][0]
    names = [sampler_label(name) for calls, name in cheap if calls == fewest]
    if fewest == int(m["reference"].split()[-2]):
        return f"No sampler with fewer calls is as good as {m['reference']}."
    enough = f"{fewest} calls are enough to be as good as {m['reference']}"
    return f"{listed(names)}: {enough}, within the spread over the seeds."


def compare_objectives(stage: Stage, stages: Stages) -> str:
    """Which objective is better at how many UNet calls."""
    ddpm, flow = (dict(by_number(stage.metrics[name]["calls"])) for name in ("ddpm", "flow"))
    wins = [calls for calls in flow if flow[calls]["frechet"] < ddpm[calls]["frechet"]]
    fewest, most = min(flow), max(flow)
    mean = 100 * fmean(flow[calls]["accuracy"] - ddpm[calls]["accuracy"] for calls in flow)
    gains = [100 * abs(row[most]["accuracy"] - row[fewest]["accuracy"]) for row in (flow, ddpm)]
    return (
        "With this short training flow matching has the smaller Frechet distance at "
        f"{counted(len(wins), len(flow))} numbers of calls. On average the accuracy of its digits is "
        f"{abs(mean):.0f} percentage points {'higher' if mean > 0 else 'lower'} than that of DDPM’s digits. "
        f"From {fewest:g} to {most:g} calls the accuracy changes by {gains[0]:.0f} percentage points for flow matching "
        f"and by {gains[1]:.0f} for DDPM."
    )


DIGITS: dict[str, Finding] = {
    "train_denoiser": loss,
    "train_time_unet": time_unet,
    "train_class_unet": loss,
    "ood_sigma": ood_sigma,
    "pure_noise": pure_noise,
    "sample_time_unet": sample_time_unet,
    "sample_class_unet": sample_class_unet,
    "digit_guidance": digit_guidance,
    "autoguidance": autoguidance,
    "digit_samplers": digit_samplers,
    "compare_objectives": compare_objectives,
}
