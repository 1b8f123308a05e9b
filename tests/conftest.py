"""What all tests share: one thread, examples that repeat, the longest files first."""

import os

import pytest
import torch
from hypothesis import settings

# Small tensors are fastest so, and tests must not fight a training for the cores.
torch.set_num_threads(int(os.environ.get("FUNDIFF_THREADS", "1")))

# The same commit gives the same verdict.
settings.register_profile("repeatable", derandomize=True)
settings.load_profile("repeatable")

# The first two files go to the first of two workers, which makes the clone that the last of these needs.
FIRST = [
    "stages/test_repro.py",
    "pipeline/test_kill.py",
    "pipeline/test_files.py",
    "prior_making/test_pipeline.py",
    "pipeline/test_campaign.py",
    "stages/test_documented_commands.py",
    "stages/test_part_a.py",
]


@pytest.hookimpl(tryfirst=True)  # before tests are chosen by their marks
def pytest_collection_modifyitems(items) -> None:
    """What drives a browser is slow. The longest files first, so that two workers are done at about the same time."""
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)
    order = {name: place for place, name in enumerate(FIRST)}
    items.sort(key=lambda item: order.get("/".join(item.path.parts[-2:]), len(order)))
