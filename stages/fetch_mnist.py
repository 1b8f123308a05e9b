from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field, ValidationInfo, field_validator

from fundiff.digits.data import SPLITS, full, packaged, split
from fundiff.pipeline.files import replacing
from fundiff.pipeline.params import Section
from fundiff.pipeline.stage import run


class Params(Section):
    source: Literal["packaged", "torchvision"]
    dataset: Literal["mnist", "fashion_mnist"]
    seed: int
    train: int = Field(ge=0, description="training digits; 0 takes all that the other splits leave")
    validation: int = Field(ge=10, description="digits held out for the loss curves")
    test: int = Field(ge=20, description="digits held out for the scores; torchvision has its own 10,000")

    @field_validator("dataset")
    @classmethod
    def is_there(cls, value: str, info: ValidationInfo) -> str:
        """The package holds MNIST and nothing else."""
        if value != "mnist" and info.data.get("source") == "packaged":
            raise ValueError("mnist, the packaged one; the others want fetch_mnist.source=torchvision")
        return value


def main(params: Params) -> None:
    if params.source == "packaged":
        splits = split(*packaged(), params.model_dump(include={"validation", "test", "train"}), params.seed)
    else:
        parts = full(Path("data/torchvision"), params.dataset)
        splits = split(*parts["train"], params.model_dump(include={"validation", "train"}), params.seed)
        splits["test"] = parts["test"]
    arrays = {f"{name}_images": splits[name][0] for name in SPLITS}
    arrays |= {f"{name}_labels": splits[name][1] for name in SPLITS}
    with replacing("data/mnist.npz") as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
    print("fetch_mnist: " + ", ".join(f"{len(splits[name][1])} {name} digits" for name in SPLITS))


if __name__ == "__main__":
    run("fetch_mnist", Params, main)
