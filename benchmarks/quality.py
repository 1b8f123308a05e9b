"""Seconds of training until a held-out loss is reached, by each side's own recipe; the judge's accuracy is added."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from benchmarks import notebook
from benchmarks.digit_scores import accuracy
from benchmarks.sections import params_of
from benchmarks.training import SEED, arrays, class_unet, course_process, digits
from benchmarks.turn import Play, Turn, timed
from fundiff.digits.fit import ClassParams
from fundiff.digits.objectives import held_out_prediction, prediction
from fundiff.digits.training import Epoch, train
from fundiff.pipeline.errors import UserError
from fundiff.pipeline.runtime import prepare_runtime


def held_out(device: str) -> Callable[[nn.Module], float]:
    """The held-out loss of both sides: fixed digits and noise, one t from each of N equal strata."""
    return held_out_prediction(digits("validation", device), course_process(), notebook.CLASSES, SEED)


def notebook_quality(hidden: int, epochs: int) -> Play:
    """Seconds of the course's whole recipe; its held-out loss is the rival's goal."""
    device = prepare_runtime().device
    validate = held_out(device)

    def play(rival: Turn | None) -> Turn:
        unet = class_unet(hidden).to(device)
        seconds, images = timed(lambda: sum(notebook.train(unet, *arrays("train"), epochs, device)), device)
        with torch.no_grad():
            loss = validate(unet.eval())
        passes = {"passes": epochs, "images": images}
        return Turn(seconds, {"held_out_loss": loss, "accuracy": accuracy(unet, course_process())} | passes)

    return play


def fundiff_quality() -> Play:
    """Seconds until FunDiff's default recipe reaches the rival's held-out loss. Raises UserError if it does not."""
    runtime, recipe = prepare_runtime(), params_of(ClassParams, "train_class_unet")
    held, process = digits("train", runtime.device), course_process()
    loss = prediction(process, notebook.CLASSES, recipe.class_drop)
    validate = held_out(runtime.device)

    def until(goal: float) -> Epoch:
        with tempfile.TemporaryDirectory() as folder:
            unet, state = class_unet(recipe.hidden_size), Path(folder) / "state.pt"
            for epoch in train(unet, loss, validate, held, recipe, runtime, state):
                if epoch.validation_loss <= goal:
                    break
        return epoch

    def play(rival: Turn | None) -> Turn:
        goal = rival.details["held_out_loss"] if rival else float("inf")
        seconds, epoch = timed(lambda: until(goal), runtime.device)
        if epoch.validation_loss > goal:
            raise UserError(
                f"time_to_quality: the held-out loss ended at {epoch.validation_loss:.4f}, above {goal:.4f}"
            )
        passes = epoch.number * recipe.repeats
        told = {"held_out_loss": epoch.validation_loss, "accuracy": accuracy(epoch.model, process)}
        return Turn(seconds, told | {"passes": passes, "images": passes * len(held)})

    return play
