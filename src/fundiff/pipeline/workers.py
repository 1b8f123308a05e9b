"""Several processes as one: each takes its rows of a batch, and one of them, the first, leaves the files.

`accelerate launch` starts them and says so in the environment. A process alone takes all rows, waits for no one and
never imports accelerate.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeVar

from fundiff.pipeline.errors import UserError

if TYPE_CHECKING:  # the report writes its files by way of this module, and needs no torch
    from torch import Tensor, nn

T = TypeVar("T")


def told(name: str, default: int) -> int:
    """A number that `accelerate launch` has set in the environment. Raises UserError for anything else."""
    value = os.environ.get(name, str(default))
    if not value.isdecimal():
        raise UserError(f"{name}: {value!r} is no number; `accelerate launch` sets it, else unset it")
    return int(value)


def count() -> int:
    """How many processes work together. Raises UserError for none."""
    if (world := told("WORLD_SIZE", 1)) < 1:
        raise UserError("WORLD_SIZE: 0; `accelerate launch` sets it, else unset it")
    return world


def rank() -> int:
    """This one's number, from 0. Raises UserError where it is none of the processes."""
    number, world = told("RANK", 0), count()
    if number >= world:
        raise UserError(f"RANK: {number} of {world} processes; `accelerate launch` sets RANK and WORLD_SIZE")
    return number


def leads() -> bool:
    """Whether this process is the one that writes files and tells of progress."""
    return rank() == 0


def join(device: str) -> None:
    """Meet the others, each on a device of its own where it is "cuda"; before any other exchange."""
    if count() > 1:
        from accelerate import PartialState

        PartialState(cpu=device == "cpu")


def wait() -> None:
    """Go on when all have come this far."""
    if count() > 1:
        from accelerate import PartialState

        PartialState().wait_for_everyone()


def agreed(value: T) -> T:
    """The first process's value, in all of them."""
    if count() == 1:
        return value
    from accelerate.utils import broadcast_object_list

    return broadcast_object_list([value])[0]


def share(rows: int) -> slice:
    """This process's part of `rows` rows: every n-th; where there are too few, a row that another takes too."""
    return slice(rank() % rows, None, count())


def weight(rows: int) -> float:
    """What makes the mean over the processes of their shares' means the mean of all `rows` rows."""
    return len(range(rank(), rows, count())) * count() / rows


def data_parallel(model: nn.Module) -> nn.Module:
    """The same model, whose gradients are averaged over the processes.

    Batch norm normalises by a process's own rows, as everywhere without SyncBatchNorm, which CPUs lack: this alone
    makes n processes differ from one, by what batches an n-th as large would. Its running statistics, which only
    evaluation reads, are the first process's: no biased estimate, just one of fewer rows, over many batches.
    """
    if count() == 1:
        return model
    from torch.nn.parallel import DistributedDataParallel

    return DistributedDataParallel(model)


def mean_over_processes(values: Tensor) -> Tensor:
    """The mean of the processes' values, element by element."""
    if count() == 1:
        return values
    from accelerate.utils import reduce

    return reduce(values, "mean")


def gathered(own: Tensor, rows: int) -> Tensor:
    """All `rows` rows `[rows, ...]` in order, of which this process has `own`, its `share`."""
    if count() == 1:
        return own
    from accelerate.utils import gather, pad_across_processes

    parts = gather(pad_across_processes(own)).unflatten(0, (count(), -1))
    return parts.transpose(0, 1).flatten(0, 1)[:rows]
