import json
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from fundiff.pictures.opening import content_of, opened
from fundiff.pictures.sources import save_png
from fundiff.pipeline.errors import UserError
from fundiff.pipeline.files import replacing, write_json
from fundiff.pipeline.params import Section
from fundiff.pipeline.progress import progress
from fundiff.pipeline.runtime import prepare_runtime
from fundiff.pipeline.stage import entry_of, files, run
from fundiff.prior.realesrgan import load_realesrgan
from fundiff.techniques.upscaling import Upscaler, anagram_views

LARGE = "_large"  # ending of the names of the pictures that the model's second stage drew


class Params(Section):
    upscaler: Literal["realesrgan", "resize", "stage_ii"] = Field(
        description="stage_ii: the picture that the model's second stage drew, or realesrgan if there is none"
    )


def listed(folder: str) -> list[str]:
    """The stage's deps in a folder: dvc.yaml says which stages' pictures are enlarged."""
    return [dep for dep in files(entry_of("upscaling"), "deps") if dep.startswith(folder)]


def main(params: Params) -> None:
    paths = sorted(path for dep in listed("report/") for path in Path(dep, "single").glob("*.png"))
    drawn = {path for path in paths if path.stem.endswith(LARGE)}
    if params.upscaler == "stage_ii" and not drawn:
        raise UserError(
            "params.yaml: upscaling.upscaler is stage_ii, but no second stage drew; set model.stage_ii"
        )
    views: dict[str, list[str]] = {}
    for metrics in map(Path, listed("metrics/")):
        views |= anagram_views(metrics.stem, json.loads(metrics.read_text(encoding="utf-8")))
    runtime = prepare_runtime()
    network = None if params.upscaler == "resize" else load_realesrgan(runtime.device, runtime.dtype)
    upscaler = Upscaler(network, views)
    made = {}
    with replacing("data/upscaled") as temporary:
        small = [path for path in paths if path not in drawn]
        for path in progress(small, "upscaling", len(small), "picture"):
            second, name = path.with_stem(path.stem + LARGE), path.as_posix()
            source = second if params.upscaler == "stage_ii" and second in drawn else path
            image: Any = opened(content_of(str(source)), str(source))
            made[name] = "stage_ii"
            if source == path:
                image, made[name] = upscaler(name, image)
            save_png(temporary / path.relative_to("report/figures"), image, compress_level=1)
        write_json(temporary / "made.json", made)


if __name__ == "__main__":
    run("upscaling", Params, main)
