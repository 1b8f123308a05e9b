from pydantic import Field

from fundiff.pictures.sources import Source, picture, save_png
from fundiff.pipeline.files import replacing
from fundiff.pipeline.params import Named, Section
from fundiff.pipeline.stage import run


class Params(Section):
    size: int = Field(ge=8, le=1024, description="side of the pictures in pixels; the model's own side")
    images: Named[Source] = Field(description="name of a picture in other stages -> its source")


def main(params: Params) -> None:
    with replacing("data/pictures") as temporary:
        for name, source in params.images.items():
            save_png(temporary / f"{name}.png", picture(source, params.size))


if __name__ == "__main__":
    run("fetch_images", Params, main)
