"""Which epochs of a training are kept. The report uses this rule too, so it must import no torch."""

from collections.abc import Sequence


def kept_epochs(snapshots: Sequence[int], epochs: int) -> list[int]:
    """Epochs whose weights are kept, ascending: the last one, and the snapshots before it."""
    return sorted({epoch for epoch in snapshots if epoch < epochs} | {epochs})
