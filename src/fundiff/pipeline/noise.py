import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor


def generator(seed: int, *position: int | str) -> torch.Generator:
    """A CPU generator whose stream is a function of (seed, purpose, position...), so no state needs saving."""
    digest = hashlib.sha256(repr((seed, *position)).encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "little") >> 1)


def sample_generators(seed: int, count: int, purpose: str = "sample") -> list[torch.Generator]:
    """One generator per sample: a sample is the same alone or in a batch, on CPU or GPU."""
    return [generator(seed, purpose, index) for index in range(count)]


def randn(generators: Sequence[torch.Generator], shape: Sequence[int], device: str = "cpu") -> Tensor:
    """N(0, I) noise `[B, *shape]`, row b from generators[b], drawn on the CPU and moved to the device."""
    return torch.stack([torch.randn(tuple(shape), generator=g) for g in generators]).to(device)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Weights initialised inside the block are a function of the seed; torch's own generator is left as it was."""
    with torch.random.fork_rng():
        torch.manual_seed(seed % 2**64)  # any whole number is a seed
        yield
