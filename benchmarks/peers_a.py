"""Part A's techniques by the peers, on the same prior, prompts and pictures: diffusers' pipelines and the notebook."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from benchmarks.notebook_a import Notebook, flipped
from benchmarks.part_a import jobs
from benchmarks.sections import Inpainted, Sampled, params_of
from benchmarks.turn import Play, Turn, timed
from fundiff.pictures.masks import load_mask
from fundiff.pictures.sources import load_picture
from fundiff.pipeline.runtime import prepare_runtime
from fundiff.prior.hub import load_pinned
from fundiff.prior.pipelines import load_prior
from fundiff.prior.pixel_prior import DTYPES
from fundiff.sampling.loop import every
from fundiff.techniques.edits import EditParams
from fundiff.techniques.illusions import AnagramParams

TRAINED = 1000  # timesteps of the prior


def pipeline() -> Any:
    """diffusers' IFPipeline on the pinned prior."""
    model = load_pinned("data/model.json")
    pipe = load_prior(model.name, variant=model.variant, dtype=DTYPES[model.precision]).to(
        prepare_runtime().device
    )
    pipe.set_progress_bar_config(disable=True)
    return pipe


def notebook() -> Notebook:
    """The notebook on that pipeline."""
    return Notebook(pipeline(), prepare_runtime().device)


def asked(book: Notebook, params: Any, prompt: str) -> Any:
    """The notebook's guided estimate of a prompt, by two UNet calls."""
    told, untold = (book.embeddings(text) for text in (prompt, params.unconditional))
    return book.guided(told, untold, params.guidance_scale)


def played(work: Callable[[list[int]], Any], timesteps: list[int], **details: Any) -> Play:
    """Seconds of `work` along the timesteps, after a warm-up along the last three."""
    work(timesteps[-3:])

    def play(rival: Turn | None) -> Turn:
        return Turn(timed(lambda: work(timesteps), prepare_runtime().device)[0], details)

    return play


def encoded(pipe: Any, params: Any) -> dict[str, Any]:
    """Arguments of a pipeline: embeddings of the prompts, and the guidance scale."""
    states = [pipe.encode_prompt(text, False)[0] for text in (params.prompt, params.unconditional)]
    return {
        "prompt_embeds": states[0],
        "negative_prompt_embeds": states[1],
        "guidance_scale": params.guidance_scale,
        "output_type": "pt",
    }


def if_sample() -> Play:
    """One guided sample by IFPipeline, with as many UNet calls as the course's list has steps."""
    pipe, params = pipeline(), params_of(Sampled, "guidance")
    size, arguments = pipe.unet.config.sample_size, encoded(pipe, params)

    def work(timesteps: list[int]) -> Any:
        return pipe(timesteps=timesteps[:-1], height=size, width=size, **arguments)

    return played(work, every(params.stride, TRAINED))


def notebook_sample() -> Play:
    """One guided sample by the notebook."""
    book, params = notebook(), params_of(Sampled, "guidance")
    estimate = asked(book, params, params.prompt)
    return played(
        lambda timesteps: book.denoise(book.noise(), estimate, timesteps), every(params.stride, TRAINED)
    )


def if_sdedit() -> Play:
    """Every picture from every level by IFImg2ImgPipeline, one call each, with as many UNet calls as FunDiff."""
    from diffusers import IFImg2ImgPipeline

    params = params_of(EditParams, "sdedit")
    text = pipeline()
    pipe = IFImg2ImgPipeline(**text.components, requires_safety_checker=False)
    pipe.set_progress_bar_config(disable=True)
    arguments, runs = encoded(text, params), jobs(params)
    images = {
        name: load_picture("data/pictures", name)[None].to(prepare_runtime().device) for name in params.images
    }

    def work(timesteps: list[int]) -> None:
        calls = len(timesteps) - 1
        for level, name in runs:
            # `strength` is the share of steps taken. Half a step is added; otherwise rounding would drop one.
            strength = min(1.0, (max(calls - level, 1) + 0.5) / calls)
            pipe(image=images[name], strength=strength, timesteps=timesteps[:-1], **arguments)

    return played(work, every(params.stride, TRAINED), runs=len(runs))


def notebook_sdedit() -> Play:
    """Every picture from every level by the notebook, one at a time."""
    book, params = notebook(), params_of(EditParams, "sdedit")
    estimate, runs = asked(book, params, params.prompt), jobs(params)
    images = {name: load_picture("data/pictures", name)[None].to(book.device) for name in params.images}

    def work(timesteps: list[int]) -> None:
        for level, name in runs:
            entered = timesteps[min(level, len(timesteps) - 2) :]
            book.denoise(book.forward(images[name], entered[0]), estimate, entered)

    return played(work, every(params.stride, TRAINED), runs=len(runs))


def notebook_anagram() -> Play:
    """One anagram by the notebook: a loop over the views, each guided by two UNet calls."""
    book, params = notebook(), params_of(AnagramParams, "visual_anagrams")
    parts = next(iter(params.anagrams.values()))
    estimate = flipped(*(asked(book, params, part.prompt) for part in parts[:2]))
    return played(
        lambda timesteps: book.denoise(book.noise(), estimate, timesteps), every(params.stride, TRAINED)
    )


def notebook_inpaint() -> Play:
    """The first example of the stage inpainting by the notebook, with RePaint's jumps, scaled to all examples."""
    book, params = notebook(), params_of(Inpainted, "inpainting")
    example, jump = next(iter(params.examples.values())), params.resample
    image = load_picture("data/pictures", example.image)[None].to(book.device)
    mask = load_mask(example.mask, image.shape[-1]).to(image)
    estimate = asked(book, params, example.prompt)

    def work(timesteps: list[int]) -> Any:
        with torch.no_grad():
            return book.inpaint(image, mask, estimate, timesteps, jump.length, jump.times)

    one = played(work, every(params.stride, TRAINED))

    def play(rival: Turn | None) -> Turn:
        count = len(params.examples)
        return Turn(count * one(rival).value, {"pictures": count, "measured": 1})

    return play
