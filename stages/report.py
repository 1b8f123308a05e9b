from pathlib import Path

import yaml
from pydantic import Field

from fundiff.files import replacing
from fundiff.params import Section
from fundiff.report import render
from fundiff.stage import files, run


class Params(Section):
    title: str
    gallery: list[str] = Field(max_length=8, description="images of report/figures shown at the top")


def main(params: Params) -> None:
    entry = yaml.safe_load(Path("dvc.yaml").read_text(encoding="utf-8"))["stages"]["report"]
    html = render(Path(), files(entry, "deps"), params.model_dump())
    for path in params.gallery:
        if not Path(path).is_file():
            print(f"report: the gallery leaves out {path}: no stage left it")
    with replacing("report/index.html") as temporary:
        temporary.write_text(html, encoding="utf-8", newline="\n")
    print(f"report: {len(html.encode()) / 1e6:.1f} MB")


if __name__ == "__main__":
    run("report", Params, main)
