"""Several processes that share a stage's work: each takes its rows of a batch, and the first one writes the files.

`accelerate launch` starts them and sets WORLD_SIZE and RANK. A single process takes all rows, never waits, and does not
import accelerate.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeVar

from fundiff.pipeline.errors import UserError

if TYPE_CHECKING:  # the report imports this module and must not import torch
    from torch import Tensor, nn

T = TypeVar("T")


def told(name: str, default: int) -> int:
    """A whole number from an environment variable. Raises UserError for another value."""
    value = os.environ.get(name, str(default))
    if not value.isdecimal():
        raise UserError(f"{name}: {value!r} is no number; `accelerate launch` sets it, else unset it")
    return int(value)


def count() -> int:
    """The number of processes. Raises UserError for 0."""
    if (world := told("WORLD_SIZE", 1)) < 1:
        raise UserError("WORLD_SIZE: 0; `accelerate launch` sets it, else unset it")
    return world


def rank() -> int:
    """The index of this process, from 0. Raises UserError if it is not below the number of processes."""
    number, world = told("RANK", 0), count()
    if number >= world:
        raise UserError(f"RANK: {number} of {world} processes; `accelerate launch` sets RANK and WORLD_SIZE")
    return number


def leads() -> bool:
    """Whether this is the first process, which writes files and shows progress."""
    return rank() == 0


def join(device: str) -> None:
    """Connect to the other processes, before any exchange. On "cuda" each process gets a GPU of its own."""
    if count() > 1:
        from accelerate import PartialState

        PartialState(cpu=device == "cpu")


def wait() -> None:
    """Return when all processes have called this."""
    if count() > 1:
        from accelerate import PartialState

        PartialState().wait_for_everyone()


def agreed(value: T) -> T:
    """The first process's value, in all processes."""
    if count() == 1:
        return value
    from accelerate.utils import broadcast_object_list

    return broadcast_object_list([value])[0]


def share(rows: int) -> slice:
    """This process's rows of a batch: every n-th of n processes. With fewer rows than processes some rows are repeated."""
    return slice(rank() % rows, None, count())


def weight(rows: int) -> float:
    """The factor of this process's mean loss; with it the mean over processes is the mean over all `rows` rows.

    0 for a repeated row.
    """
    return len(range(rank(), rows, count())) * count() / rows


def data_parallel(model: nn.Module) -> nn.Module:
    """The model with gradients averaged over the processes.

    Batch norm uses the statistics of a process's own rows, since SyncBatchNorm does not run on CPUs. This is the only
    difference from a single process. The running statistics, used in evaluation alone, are the first process's.
    """
    if count() == 1:
        return model
    from torch.nn.parallel import DistributedDataParallel

    return DistributedDataParallel(model)


def mean_over_processes(values: Tensor) -> Tensor:
    """Elementwise mean of the processes' tensors."""
    if count() == 1:
        return values
    from accelerate.utils import reduce

    return reduce(values, "mean")


def gathered(own: Tensor, rows: int) -> Tensor:
    """All rows `[rows, ...]` in order; `own` holds this process's `share(rows)`."""
    if count() == 1:
        return own
    from accelerate.utils import gather, pad_across_processes

    parts = gather(pad_across_processes(own)).unflatten(0, (count(), -1))
    return parts.transpose(0, 1).flatten(0, 1)[:rows]
