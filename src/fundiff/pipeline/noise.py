import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor


def generator(seed: int, *position: int | str) -> torch.Generator:
    """A CPU generator seeded by the hash of (seed, *position).

    So each purpose has its own noise, and a resumed run needs no saved state.
    """
    digest = hashlib.sha256(repr((seed, *position)).encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "little") >> 1)


def sample_generators(seed: int, count: int, purpose: str = "sample") -> list[torch.Generator]:
    """One generator for each sample, so that its noise does not depend on batch or device."""
    return [generator(seed, purpose, index) for index in range(count)]


def randn(generators: Sequence[torch.Generator], shape: Sequence[int], device: str = "cpu") -> Tensor:
    """N(0, I) noise `[B, *shape]`, row b from generators[b], drawn on the CPU and moved to the device."""
    return torch.stack([torch.randn(tuple(shape), generator=g) for g in generators]).to(device)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed torch's global generator for the block and restore it afterwards."""
    with torch.random.fork_rng():
        torch.manual_seed(seed % 2**64)  # torch takes 64 bits
        yield
