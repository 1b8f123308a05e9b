"""1,000 digits of the pipeline's own class-conditioned network, by the notebook and by FunDiff's judged sampler."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmarks import notebook
from benchmarks.judging import GUIDANCE, SEED, judged, jury
from benchmarks.turn import Play, Turn, timed
from fundiff.digits.estimators import classed
from fundiff.digits.networks import load_unet, process_of
from fundiff.digits.sampling import sample
from fundiff.pipeline.noise import sample_generators
from fundiff.pipeline.runtime import detect
from fundiff.sampling.loop import last

ASKED = 1000


def notebook_sampling(folder: str, count: int) -> Play:
    """Seconds for 1,000 digits, scaled from one sheet of `count`: 300 steps, two UNet calls each, fp32."""
    device, labels = detect().device, jury().labels(count)
    unet = load_unet(folder)[0].to(device)
    drawn: list[Tensor] = []
    with torch.no_grad():
        unet(torch.randn(count, 1, 28, 28, device=device), torch.ones(count, 1, device=device))

    def play(rival: Turn | None) -> Turn:
        seconds, images = timed(lambda: notebook.sample(unet, labels, GUIDANCE), device)
        drawn.append(images)
        scores = judged(torch.cat(drawn), labels.repeat(len(drawn)))
        return Turn(seconds * ASKED / count, scores | {"unet_calls": 2 * notebook.T, "drawn_a_turn": count})

    return play


def fundiff_sampling(folder: str, steps: int) -> Play:
    """Seconds for 1,000 digits by DDIM; as many of them are judged as of the rival's, so both have the same bias."""
    runtime = detect()
    unet, config = load_unet(folder)
    process, labels = process_of(config), jury().labels(ASKED)
    estimator = classed(runtime.place(unet), labels, process, GUIDANCE)

    def draw(seed: int, calls: int) -> Tensor:
        generators = sample_generators(seed, ASKED, "judged")
        return last(sample(estimator, process, generators, runtime, calls, "ddim"))

    draw(SEED, 1)

    def play(rival: Turn | None) -> Turn:
        seconds, images = timed(lambda: draw(SEED, steps), runtime.device)
        count = rival.details["judged"] if rival else ASKED
        return Turn(
            seconds, judged(images[:count], labels[:count]) | {"unet_calls": steps, "drawn_a_turn": ASKED}
        )

    return play
