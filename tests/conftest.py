"""Settings for all tests: one thread, repeatable random examples, the longest files first."""

import os

import pytest

# The first file makes the clone that test_documented_commands needs, while another worker runs those between them.
FIRST = [
    "stages/test_repro.py",
    "pipeline/test_kill.py",
    "prior_making/test_pipeline.py",
    "pipeline/test_campaign.py",
    "stages/test_documented_commands.py",
    "stages/test_part_a.py",
    "stages/test_clones.py",
    "report/test_browser.py",
    "pipeline/test_side_by_side.py",
    "pipeline/test_workers.py",
    "report/test_page.py",
]


def pytest_configure(config) -> None:
    """Set torch and hypothesis up in each process that runs tests; the one that only hands them out needs neither."""
    if config.getoption("numprocesses", None) and not hasattr(config, "workerinput"):
        return
    import torch
    from hypothesis import settings

    # Small tensors are fastest on one thread, and tests must not take the cores from a training.
    torch.set_num_threads(int(os.environ.get("FUNDIFF_THREADS", "1")))
    # The same commit gives the same verdict.
    torch.manual_seed(0)  # for what test files draw when they are imported
    settings.register_profile("repeatable", derandomize=True)
    settings.load_profile("repeatable")


@pytest.hookimpl(tryfirst=True)  # before fixtures
def pytest_runtest_setup(item) -> None:
    """Give every test the same random numbers, whichever tests ran before it."""
    import torch

    torch.manual_seed(0)


@pytest.hookimpl(tryfirst=True)  # before tests are chosen by their marks
def pytest_collection_modifyitems(items) -> None:
    """Mark browser tests as slow. Put the longest files first, so that two workers end at about the same time."""
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)
    order = {name: place for place, name in enumerate(FIRST)}
    items.sort(key=lambda item: order.get("/".join(item.path.parts[-2:]), len(order)))
