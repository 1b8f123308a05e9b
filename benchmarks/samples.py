"""Digits of the pipeline's own networks, by the notebook and by FunDiff's samplers."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmarks import notebook
from benchmarks.digit_scores import GUIDANCE, SEED, digit_scores, scoring
from benchmarks.turn import Play, Turn, timed
from fundiff.digits.estimators import classed
from fundiff.digits.networks import load_unet, process_of
from fundiff.digits.samples import sample
from fundiff.pipeline.noise import sample_generators
from fundiff.pipeline.runtime import prepare_runtime
from fundiff.sampling.loop import last

ASKED = 1000


def notebook_samples(folder: str, count: int) -> Play:
    """Seconds for 1,000 digits, scaled from one sheet of `count`: 300 steps, two UNet calls each, fp32."""
    device, labels = prepare_runtime().device, scoring().labels(count)
    unet = load_unet(folder)[0].to(device)
    sheets: list[Tensor] = []
    with torch.no_grad():
        unet(torch.randn(count, 1, 28, 28, device=device), torch.ones(count, 1, device=device))

    def play(rival: Turn | None) -> Turn:
        seconds, images = timed(lambda: notebook.sample(unet, labels, GUIDANCE), device)
        sheets.append(images)
        scores = digit_scores(torch.cat(sheets), labels.repeat(len(sheets)))
        return Turn(seconds * ASKED / count, scores | {"unet_calls": 2 * notebook.T, "drawn_a_turn": count})

    return play


def fundiff_samples(folder: str, steps: int) -> Play:
    """Seconds for 1,000 digits by DDIM. Only as many as the rival's are scored, because scores depend on the count."""
    runtime = prepare_runtime()
    unet, config = load_unet(folder)
    process, labels = process_of(config), scoring().labels(ASKED)
    estimator = classed(runtime.place(unet), labels, process, GUIDANCE)

    def sampled(seed: int, calls: int) -> Tensor:
        generators = sample_generators(seed, ASKED, "judged")
        return last(sample(estimator, process, generators, runtime, calls, "ddim"))

    sampled(SEED, 1)

    def play(rival: Turn | None) -> Turn:
        seconds, images = timed(lambda: sampled(SEED, steps), runtime.device)
        count = rival.details["judged"] if rival else ASKED
        return Turn(
            seconds,
            digit_scores(images[:count], labels[:count]) | {"unet_calls": steps, "drawn_a_turn": ASKED},
        )

    return play


def flow_digits(folder: str, steps: int) -> Play:
    """Seconds for ten digits by `steps` Euler steps; both branches of guidance share work."""
    runtime, (unet, config) = prepare_runtime(), load_unet(folder)
    process, labels = process_of(config), torch.arange(10)
    estimator = classed(runtime.place(unet), labels.to(runtime.device), process, GUIDANCE)

    def sampled() -> Tensor:
        return last(sample(estimator, process, sample_generators(SEED, 10), runtime, steps, "euler"))

    sampled()
    return lambda rival: Turn(timed(sampled, runtime.device)[0], {"unet_calls": steps})


def notebook_flow_digits(folder: str, steps: int) -> Play:
    """The same in the notebook: fp32, two UNet calls per step."""
    device, unet = prepare_runtime().device, load_unet(folder)[0]
    unet, labels = unet.to(device), torch.arange(10, device=device)
    notebook.sample_flow(unet, labels, GUIDANCE, steps)

    def play(rival: Turn | None) -> Turn:
        seconds = timed(lambda: notebook.sample_flow(unet, labels, GUIDANCE, steps), device)[0]
        return Turn(seconds, {"unet_calls": 2 * steps})

    return play
