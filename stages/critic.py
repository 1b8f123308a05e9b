from pathlib import Path

from pydantic import Field

from fundiff.pipeline.files import digests, write_json
from fundiff.pipeline.params import Section
from fundiff.pipeline.stage import run


class Params(Section):
    name: str = Field(
        min_length=1, description="a critic of this project, or a folder or hub id of a CLIP model"
    )


def main(params: Params) -> None:
    files = digests(Path(params.name)) if Path(params.name).is_dir() else {}
    write_json("data/critic.json", params.model_dump() | {"files": files})


if __name__ == "__main__":
    run("critic", Params, main)
