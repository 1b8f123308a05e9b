"""Which epochs of a training are kept: the rule that trainings and the report share."""

from collections.abc import Sequence


def kept_epochs(snapshots: Sequence[int], epochs: int) -> list[int]:
    """The epochs whose weights are kept, in order: of `snapshots` those before the last epoch, and that one."""
    return sorted({epoch for epoch in snapshots if epoch < epochs} | {epochs})
