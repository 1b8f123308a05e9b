from pathlib import Path
from typing import Annotated

from pydantic import Field

from fundiff.pipeline.files import replacing, write_json
from fundiff.pipeline.params import Section
from fundiff.pipeline.stage import entry_of, files, run
from fundiff.report.key_figures import key_figures
from fundiff.report.page import render
from fundiff.report.results import load_stages

Figure = Annotated[str, Field(pattern=r"^report/figures/([\w-]+/)*[\w-]+\.(png|webp)$")]


class Params(Section):
    title: str
    gallery: list[Figure] = Field(max_length=8, description="images of report/figures shown at the top")


def main(params: Params) -> None:
    stages = load_stages(Path(), files(entry_of("report"), "deps"))
    html = render(Path(), stages, params.model_dump())
    drawing = render(Path(), stages, params.model_dump(), "draw.html")
    for path in params.gallery:
        if not Path(path).is_file():
            print(f"report: the gallery leaves out {path}: no stage left it")
    with replacing("metrics/key") as temporary:
        for name, figure in key_figures(stages).items():
            write_json(temporary / f"{name}.json", figure.numbers())
    for path, text in {"report/index.html": html, "report/draw.html": drawing}.items():
        with replacing(path) as temporary:
            temporary.write_text(text, encoding="utf-8", newline="\n")
    print(f"report: {len(html.encode()) / 1e6:.1f} MB")


if __name__ == "__main__":
    run("report", Params, main)
