"""What all tests share: one thread, examples that repeat, the longest file first."""

import os

import torch
from hypothesis import settings

# Small tensors are fastest so, and tests must not fight a training for the cores.
torch.set_num_threads(int(os.environ.get("FUNDIFF_THREADS", "1")))

# The same commit gives the same verdict.
settings.register_profile("repeatable", derandomize=True)
settings.load_profile("repeatable")


def pytest_collection_modifyitems(items) -> None:
    """The longest file first, so that two workers are done at about the same time."""
    items.sort(key=lambda item: item.path.name != "test_repro.py")
