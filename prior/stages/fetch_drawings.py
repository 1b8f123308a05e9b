"""Fetch the packages of drawings and check their SHA-256."""

from pathlib import Path

from fundiff.pipeline.registry import fetch
from prior.stages.sections import FetchDrawings, read, run


def main() -> None:
    section = read(FetchDrawings, "fetch_drawings")
    folder = Path("data/prior/packages")
    folder.mkdir(parents=True, exist_ok=True)
    for package in section.packages:
        fetch(package, folder, section.folder)


if __name__ == "__main__":
    run("fetch_drawings", main)
