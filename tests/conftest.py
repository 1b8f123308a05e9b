"""Settings for all tests: one thread, repeatable random examples, the longest files first."""

import os

import pytest
import torch
from hypothesis import settings

# Small tensors are fastest on one thread, and tests must not take the cores from a training.
torch.set_num_threads(int(os.environ.get("FUNDIFF_THREADS", "1")))

# The same commit gives the same verdict.
settings.register_profile("repeatable", derandomize=True)
settings.load_profile("repeatable")

# The first two files go to the first of two workers. It makes the clone that the last of these files needs.
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
    """Mark browser tests as slow. Put the longest files first, so that two workers end at about the same time."""
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)
    order = {name: place for place, name in enumerate(FIRST)}
    items.sort(key=lambda item: order.get("/".join(item.path.parts[-2:]), len(order)))
