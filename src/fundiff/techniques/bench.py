"""What Part A's stages share: the prior with its prompts and pictures, the loop's arguments, the files they leave."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor

from fundiff.critic.alignment import Alignment, alignment, best
from fundiff.critic.clip import ClipCritic
from fundiff.critic.concealment import illusion_scores
from fundiff.critic.encoder import Critic, load_critic
from fundiff.pictures.grids import gif, thinned, tile
from fundiff.pictures.sources import load_picture, save_png
from fundiff.pipeline.errors import UserError
from fundiff.pipeline.files import write_json
from fundiff.pipeline.noise import generator, randn
from fundiff.pipeline.params import S, Section
from fundiff.pipeline.progress import progress
from fundiff.pipeline.runtime import detect
from fundiff.pipeline.stage import run
from fundiff.prior.hub import load_pinned
from fundiff.prior.pixel_prior import enough_memory, load_pixel_prior
from fundiff.prior.prompts import Prompts
from fundiff.process.schedule import Schedule
from fundiff.sampling.estimators import conditional, guide, guided
from fundiff.sampling.loop import Constraint, Estimator, denoise


class LoopParams(Section):
    seed: int
    step: Literal["course", "scheduler"]


class CourseParams(LoopParams):
    stride: int = Field(ge=1, le=500, description="between timesteps; the course's 30 gives 990, 960, ..., 0")

    @property
    def timesteps(self) -> list[int]:
        """The multiples of the stride below 1000, from the largest down to 0."""
        return list(range(999 // self.stride * self.stride, -1, -self.stride))


class Guidance(Section):
    guidance_scale: float = Field(ge=0, description="1 is no guidance")
    unconditional: str = Field(description="key of the prompt that guidance leads away from")


class GuidedParams(CourseParams, Guidance):
    pass


class Bench:
    """The prior, the encoded prompts, the pictures, and the loop as a stage's params want it."""

    def __init__(self):
        self.runtime = detect()
        self.model = load_pinned("data/model.json")
        self.prior = load_pixel_prior(self.model, self.runtime)
        self.prompts = Prompts("data/text_embeddings.safetensors")

    @property
    def shape(self) -> tuple[int, int, int]:
        """A picture's `(3, S, S)`."""
        return 3, self.prior.size, self.prior.size

    def picture(self, name: str) -> Tensor:
        """A fetched picture `[3, S, S]` in [-1, 1] on the device."""
        image = fetched(name)
        if image.shape != self.shape:
            sides = f"is {image.shape[-1]}, and the model draws {self.prior.size} x {self.prior.size}"
            raise UserError(f"params.yaml: fetch_images.size {sides} pixels; set it to {self.prior.size}")
        return image.to(self.runtime.device)

    def states(self, keys: Sequence[str]) -> Tensor:
        """The prompts' token states `[len(keys), 77, C]`."""
        return self.prompts.states(keys).to(self.runtime.device)

    def guided(self, params: Guidance, keys: Sequence[str], scale: float | None = None) -> Estimator:
        """The guided estimate, a prompt key a row."""
        scale = params.guidance_scale if scale is None else scale
        return guided(self.prior, self.states(keys), self.states([params.unconditional])[0], scale)

    def conditional(self, keys: Sequence[str]) -> Estimator:
        """The estimate under a prompt key a row, without guidance."""
        return conditional(self.prior, self.states(keys))

    def guide(self, params: Guidance, estimator: Estimator, count: int) -> Estimator:
        """Guidance of an estimate of `count` rows that is made of conditional ones."""
        unconditional = self.conditional([params.unconditional] * count)
        return guide(estimator, unconditional, params.guidance_scale)

    def noise(self, generators: Sequence[torch.Generator]) -> Tensor:
        """Pure noise `[B, 3, S, S]`, the start of sampling."""
        return randn(generators, self.shape, self.runtime.device)

    def denoise(
        self,
        params: LoopParams,
        x: Tensor,
        estimator: Estimator,
        timesteps: Sequence[int],
        generators: Sequence[torch.Generator],
        constraint: Constraint | None = None,
        enter: Sequence[int] | None = None,
    ) -> Iterator[Tensor]:
        """The loop by the params' step, with its progress where it is long."""
        step = self.prior.steps[params.step]
        steps = denoise(x, estimator, timesteps, step, generators, constraint, enter)
        yield from progress(steps, "denoising", len(timesteps) - 1)


def run_stage(name: str, section: type[S], work: Callable[[S], None]) -> None:
    """`fundiff.pipeline.stage.run` with one more one-line error: too little memory."""

    def guarded(params: S) -> None:
        with enough_memory():
            work(params)

    run(name, section, guarded)


def fetched(name: str) -> Tensor:
    """A fetched picture `[3, S, S]` in [-1, 1]."""
    return load_picture("data/pictures", name)


def noised(schedule: Schedule, seed: int, image: Tensor, t: int) -> Tensor:
    """The test image `[3, S, S]` at timestep t as `[1, 3, S, S]`, with the same noise in every stage."""
    if t >= len(schedule):
        raise UserError(
            f"params.yaml: timestep {t} is out of range; the model knows 0 to {len(schedule) - 1}"
        )
    eps = randn([generator(seed, "forward", t)], image.shape, str(image.device))
    return schedule.forward(image[None], t, eps)


def judge_named(name: str) -> Critic | ClipCritic:
    """The critic of a folder with metrics.json, or a CLIP model. Raises UserError where there is neither."""
    return load_critic(name) if (Path(name) / "metrics.json").exists() else ClipCritic(name)


@cache
def jury() -> tuple[Critic | ClipCritic, Prompts]:
    """The critic and the sentences it judges by."""
    sentences = Prompts("data/sentences.safetensors")
    return judge_named(sentences.encoder), sentences


def aligned(images: Tensor, keys: Sequence[str]) -> Alignment:
    """The critic's judgement of the pictures `[N, 3, S, S]`; the wrong prompts are all others of the project."""
    critic, sentences = jury()
    known = [key for key in sentences.keys if sentences.text(key)]
    right = torch.tensor([known.index(key) for key in keys])
    return alignment(critic, images, sentences.states(known), right)


def best_reading(
    seen: Sequence[tuple[str, Tensor, str]], seed: int, hiding: bool = False
) -> tuple[int, dict[str, Any]]:
    """Of N samples the one that reads best in all its views, and its numbers.

    seen: the ways of looking at them, each with its name, what it shows `[N, 3, S, S]`, and the prompt asked for.
    hiding: whether each has to hide what the others show: a hybrid holds, seen from near, what it shows from afar.
    """
    read = [aligned(images, [key] * len(images)) for _, images, key in seen]
    own = [int(judged.right[0]) for judged in read]
    hidden = [[o for o in own if hiding and o != mine] for mine in own]
    margins = [judged.margin(others) for judged, others in zip(read, hidden, strict=True)]
    chosen = best(torch.stack(margins))
    similarities = torch.stack([judged.scores[chosen] for judged in read])
    scores = illusion_scores(similarities, own, jury()[0].scale, generator(seed, "random prompts"))
    readings = [
        {"seen": name, "prompt": key} | judged.numbers(chosen)
        for judged, (name, _, key) in zip(read, seen, strict=True)
    ]
    return chosen, {"readings": readings, "chosen": {"sample": chosen, "of": len(seen[0][1])}} | scores


def fidelity(x: Tensor, image: Tensor) -> dict[str, float]:
    """PSNR and SSIM of `[1, 3, S, S]` against the picture `[3, S, S]`."""
    from fundiff.pictures.restoration import psnr, ssim

    return {"psnr": psnr(shown(x), shown(image[None])), "ssim": ssim(shown(x), shown(image[None]))}


def look(x: Tensor) -> dict[str, float]:
    """How varied the samples `[B, 3, S, S]` are, how strong their contrast, and what share of values is cut off."""
    pairs = torch.pdist(shown(x).flatten(1)) / x[0].numel() ** 0.5
    return {
        "spread": float(pairs.mean()) if len(pairs) else 0.0,
        "contrast": float(shown(x).std()),
        "clipped": float((x.abs() > 1).float().mean()),
    }


def entry(level: int, timesteps: Sequence[int]) -> int:
    """A level (the course's i_start) that the list of timesteps has. Raises UserError for another."""
    if not 0 <= level < len(timesteps):
        raise UserError(f"params.yaml: level {level} is out of range; expected 0 to {len(timesteps) - 1}")
    return level


def shown(x: Tensor) -> Tensor:
    """Pictures in [-1, 1] as figures want them, in [0, 1]."""
    return ((x + 1) / 2).clamp(0, 1).float().cpu()


def wrapped(text: str, width: int = 24) -> str:
    """A prompt over as many lines as a panel needs."""
    return textwrap.fill(text or '""', width)


def folder(stage: str) -> Path:
    """Where a stage's figures lie."""
    return Path("report/figures") / stage


def keep_single(stage: str, name: str, image: Tensor) -> None:
    """Keep one picture `[3, S, S]` as PNG in its true size."""
    save_png(folder(stage) / "single" / f"{name}.png", image)


def animate(
    stage: str, frames: Sequence[Tensor], columns: int, name: str | None = None, scale: int = 2
) -> None:
    """Write frames `[B, 3, S, S]` as a GIF of tiled pictures."""
    tiles = [tile(shown(frames[i]), columns, scale=scale) for i in thinned(len(frames))]
    gif(folder(stage) / f"{name or stage}.gif", tiles)


def keep_numbers(stage: str, numbers: dict[str, Any]) -> None:
    """Write a stage's metrics, floats to 4 places."""

    def rounded(value: Any) -> Any:
        if isinstance(value, dict):
            return {str(key): rounded(v) for key, v in value.items()}
        if isinstance(value, list):
            return [rounded(v) for v in value]
        return round(value, 4) if isinstance(value, float) else value

    write_json(f"metrics/{stage}.json", rounded(numbers))
