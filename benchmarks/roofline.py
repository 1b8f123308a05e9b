"""Roofline: FLOP/s of training and sampling, divided by FLOP/s of convolutions alone."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode, conv_flop_count

from benchmarks.sections import params_of
from benchmarks.training import class_unet, course_process, fundiff_steps
from benchmarks.turn import Play, Turn, amount, timed
from fundiff.digits.estimators import PIECE, classed
from fundiff.pipeline.runtime import PRECISIONS, Runtime, prepare_runtime
from fundiff.prior.hub import Model, pin
from fundiff.prior.packed import packs
from fundiff.prior.pixel_prior import load_pixel_prior

HIDDEN = (32, 64, 128)
BATCH, PICTURES, CALLS, REPEATS = 32, 8, 2, 3


def of_packed(x: Any, weight: Any, *rest: Any, out_shape: Any, **options: Any) -> int:
    """FLOP of a packed convolution, which torch does not count; x, weight, out_shape: shapes."""
    return conv_flop_count(x, weight, out_shape)


def rate(work: Callable[[], Any], device: str, repeats: int = REPEATS) -> float:
    """GFLOP/s of the work in the fastest of `repeats` runs."""
    packed = {torch.ops.mkldnn._convolution_pointwise: of_packed} if packs(torch.float32) else {}
    with FlopCounterMode(display=False, custom_mapping=packed) as counter:
        work()
    best = min(timed(work, device)[0] for _ in range(repeats))
    return counter.get_total_flops() / best / 1e9


def runtime_of(precision: str) -> Runtime:
    """This machine's runtime, with the given precision."""
    found = prepare_runtime()
    return Runtime(found.device, precision, found.threads)


def layers(network: nn.Module, call: Callable[[], Any]) -> list[tuple[nn.Module, Tensor]]:
    """Every convolution of a call, with its input."""
    found: list[tuple[nn.Module, Tensor]] = []
    convolutions = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]
    hooks = [m.register_forward_pre_hook(lambda m, given: found.append((m, given[0]))) for m in convolutions]
    with torch.no_grad():
        call()
    for hook in hooks:
        hook.remove()
    return found


def convolutions(hidden: int, runtime: Runtime) -> tuple[float, float]:
    """GFLOP/s of the UNet's convolutions run alone: of the fastest one, and of all, one after the other."""
    unet = runtime.place(class_unet(hidden)).eval()
    x, time = (
        torch.randn(BATCH, 1, 28, 28, device=runtime.device),
        torch.ones(BATCH, 1, device=runtime.device),
    )
    dtype, flops, seconds, best = PRECISIONS[runtime.precision], 0.0, 0.0, 0.0
    with torch.no_grad():
        for layer, given in layers(unet, lambda: unet(x, time)):
            bare = layer.to(dtype)
            seen = given.to(dtype).contiguous(memory_format=torch.channels_last)
            with FlopCounterMode(display=False) as counter:
                bare(seen)
            taken = min(timed(partial(bare, seen), runtime.device)[0] for _ in range(REPEATS))
            flops, seconds = flops + counter.get_total_flops(), seconds + taken
            best = max(best, counter.get_total_flops() / taken)
    return best / 1e9, flops / seconds / 1e9


def matmul(runtime: Runtime, sizes: tuple[int, ...] = (512, 1024, 2048)) -> float:
    """GFLOP/s of the fastest square matrix product."""
    found = []
    for size in sizes:
        a = torch.randn(size, size, device=runtime.device).to(PRECISIONS[runtime.precision])
        found.append(rate(partial(torch.mm, a, a), runtime.device))
    return max(found)


def peak(precision: str) -> Play:
    """The peak: GFLOP/s of the fastest convolution of the UNets; matrix products in the details."""
    runtime = runtime_of(precision)

    def play(rival: Turn | None) -> Turn:
        alone = {hidden: convolutions(hidden, runtime) for hidden in HIDDEN}
        told = {f"convolutions_alone_d{hidden}": all_of_them for hidden, (_, all_of_them) in alone.items()}
        return Turn(max(best for best, _ in alone.values()), {"matmul": matmul(runtime)} | told)

    return play


def training(hidden: int, runtime: Runtime) -> Callable[[], Any]:
    """A few steps of FunDiff's training."""
    steps = fundiff_steps(class_unet(hidden), BATCH, runtime)
    return lambda: steps(amount(CALLS, runtime.device))


def sampling(hidden: int, runtime: Runtime) -> Callable[[], Any]:
    """Guided estimates of one piece of digits."""
    unet = runtime.place(class_unet(hidden)).eval()
    labels = (torch.arange(PIECE) % 10).to(runtime.device)
    estimate = classed(unet, labels, course_process(), 5.0)
    x = torch.randn(PIECE, 1, 28, 28, device=runtime.device)

    def work() -> None:
        with torch.no_grad(), runtime.autocast():
            for _ in range(amount(CALLS, runtime.device)):
                estimate(x, 100)

    return work


def prior(runtime: Runtime) -> Callable[[], Any]:
    """One call of the prior with the rows of four guided pictures."""
    asked = load_pixel_prior(pin(params_of(Model, "model")), runtime)
    config: Any = asked.unet.config
    states = torch.randn(PICTURES, 77, config.encoder_hid_dim or config.cross_attention_dim)
    x = torch.randn(PICTURES, 3, asked.size, asked.size, device=runtime.device)
    return lambda: asked(x, 500, states)


def achieved(precision: str) -> Play:
    """GFLOP/s of training at D 64; other widths, sampling and the prior in the details."""
    runtime = runtime_of(precision)
    works = dict(
        chain(
            ((f"training_d{hidden}", training(hidden, runtime)) for hidden in HIDDEN),
            [("sampling_d32", sampling(32, runtime)), ("prior", prior(runtime))],
        )
    )

    def play(rival: Turn | None) -> Turn:
        rates = {name: rate(work, runtime.device, 1) for name, work in works.items()}
        shares = {f"{name}_share": got / rival.value for name, got in rates.items()} if rival else {}
        return Turn(rates["training_d64"], rates | shares)

    return play
