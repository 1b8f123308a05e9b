"""Small tensors are fastest on one thread, and tests must not fight a training for the cores."""

import torch

torch.set_num_threads(1)


def pytest_collection_modifyitems(items) -> None:
    """The longest file first, so that two workers are done at about the same time."""
    items.sort(key=lambda item: item.path.name != "test_repro.py")
