"""Weights in files small enough to be sent from machine to machine.

`python -m prior.gpu.collect PARTS OUT` joins them to a prior's folder.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from fundiff.pipeline.errors import UserError
from fundiff.pipeline.files import replacing, write_json
from prior.making.network import make_unet, save_prior

PART_BYTES = 15_000_000


def write_parts(folder: Path, unet: nn.Module, told: dict[str, Any]) -> None:
    """Write the weights in half precision in files of at most `PART_BYTES`, and `told` as JSON beside them."""
    parts: list[dict[str, Tensor]] = [{}]
    size = 0
    for name, value in unet.state_dict().items():
        half = value.detach().half().contiguous().cpu()
        if size + half.numel() * 2 > PART_BYTES and parts[-1]:
            parts, size = [*parts, {}], 0
        parts[-1][name], size = half, size + half.numel() * 2
    for index, part in enumerate(parts):
        with replacing(folder / f"weights_{index}.safetensors") as path:
            save_file(part, path)
    config = {key: unet.config[key] for key in ("shuffle", "layers_per_block")}  # type: ignore[index]
    config["block_out_channels"] = list(unet.config["block_out_channels"])  # type: ignore[index]
    write_json(folder / "told.json", told | {"unet": config, "parts": len(parts)})


def joined(folder: Path) -> dict[str, Tensor]:
    """All weights in a folder of parts, float32. Raises UserError if parts are missing."""
    try:
        count = json.loads((folder / "told.json").read_text(encoding="utf-8"))["parts"]
        parts = [load_file(folder / f"weights_{index}.safetensors") for index in range(count)]
    except FileNotFoundError as error:
        raise UserError(
            f"{error.filename or folder}: not found; {folder} must hold all parts of the weights"
        ) from None
    return {name: value.float() for part in parts for name, value in part.items()}


def main() -> None:
    """Join the parts and write the prior's folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", type=Path)
    parser.add_argument("out", type=Path)
    asked = parser.parse_args()
    weights = joined(asked.parts)
    told = json.loads((asked.parts / "told.json").read_text(encoding="utf-8"))
    unet = make_unet(**told["unet"])
    unet.load_state_dict(weights)
    with torch.no_grad():
        save_prior(asked.out, unet)
    print(f"{told['images']} images; {asked.out}")


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(f"collect: {error}")
