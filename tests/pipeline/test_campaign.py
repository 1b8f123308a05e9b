"""The campaign of faults on three cheap stages; `make faults` runs it on all kinds."""

import subprocess
import sys

import pytest


@pytest.mark.slow
def test_a_short_campaign_loses_nothing():
    command = [sys.executable, "-m", "tests.faults_campaign", "--rounds", "6", "--seed", "1", "--stages"]
    done = subprocess.run(
        [*command, "fetch_images", "fetch_mnist", "noising"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for what in (
        "3 kill -9 of the stage alone",
        "3 kill -9 of DVC and the stage",
        "1 Ctrl-C",
        "1 two repros at once",
    ):
        assert f"   {what}\n" in done.stdout
    assert "lost" not in done.stdout
