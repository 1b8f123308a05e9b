from pathlib import Path

from pydantic import Field

from fundiff.pipeline.errors import UserError
from fundiff.pipeline.files import digest, digests, write_json
from fundiff.pipeline.params import Section
from fundiff.pipeline.stage import run

VOCABULARY = Path("models/critic/vocabulary.json")  # used with every critic, also CLIP


class Params(Section):
    name: str = Field(
        min_length=1, description="a critic of this project, or a folder or hub id of a CLIP model"
    )


def main(params: Params) -> None:
    if not VOCABULARY.is_file():
        raise UserError(f"{VOCABULARY}: not found; restore it from git")
    files = digests(Path(params.name)) if Path(params.name).is_dir() else {}
    vocabulary = {"file": VOCABULARY.as_posix(), "sha256": digest(VOCABULARY)}
    write_json("data/critic.json", params.model_dump() | {"files": files, "vocabulary": vocabulary})


if __name__ == "__main__":
    run("critic", Params, main)
