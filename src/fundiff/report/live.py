"""The flow-matching network for the page's own script: batch norm folded in, weights in 16 bits, as base64."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

EPSILON = 1e-5  # of torch's batch norm
BLOCK = 128  # weights with one scale; so 16-bit whole numbers are several times more exact than half floats


def folded(weights: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The weights with every batch norm merged into the convolution before it (`X.0` and `X.1` of a block X)."""
    result = {key: value for key, value in weights.items() if "num_batches" not in key}
    for key in [key for key in result if key.endswith("running_mean")]:
        norm = key.removesuffix(".running_mean")
        conv = f"{norm.rpartition('.')[0]}.0"
        shift, mean = result.pop(f"{norm}.bias"), result.pop(key)
        scale = result.pop(f"{norm}.weight") / np.sqrt(result.pop(f"{norm}.running_var") + EPSILON)
        kernel = result[f"{conv}.weight"]
        axis = 1 if is_transposed(conv) else 0
        result[f"{conv}.weight"] = kernel * np.expand_dims(scale, [i for i in range(4) if i != axis])
        result[f"{conv}.bias"] = (result[f"{conv}.bias"] - mean) * scale + shift
    return result


def is_transposed(conv: str) -> bool:
    """Whether a convolution of the UNet is transposed; its outputs are then the second axis of the kernel."""
    return conv in ("unflatten.0", "up1.0.0", "up2.0.0")


def encoded(values: np.ndarray) -> str:
    """Numbers as base64."""
    return base64.b64encode(values.tobytes()).decode("ascii")


def packed(weights: dict[str, np.ndarray]) -> dict[str, Any]:
    """Weights as 16-bit whole numbers and a scale for each block, both as base64, and the offset of each tensor."""
    names = sorted(weights)
    starts = np.cumsum([0, *(weights[name].size for name in names)])
    values = np.concatenate([weights[name].ravel() for name in names]).astype(np.float64)
    blocks = np.pad(values, (0, -len(values) % BLOCK)).reshape(-1, BLOCK)
    scales = (np.maximum(np.abs(blocks).max(1), 1e-30) / 32767).astype("<f4")
    whole = np.rint(blocks / scales[:, None]).clip(-32767, 32767).astype("<i2").ravel()[: len(values)]
    at = dict(zip(names, starts.tolist(), strict=False))
    return {"at": at, "block": BLOCK, "scales": encoded(scales), "weights": encoded(whole)}


def network(folder: Path) -> dict[str, Any] | None:
    """What the script needs of a network. None if there is no network, or one that the script cannot run."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        weights = load_file(folder / f"epoch_{config['epochs']:03d}.safetensors")
    except (OSError, ValueError, KeyError, SafetensorError):
        return None
    fits = config.get("objective") == "flow" and config.get("classes") == 10 and config.get("time")
    if not fits or "t2.2.bias" not in weights or weights["conv.0.0.weight"].shape[1:] != (1, 3, 3):
        return None
    width = int(config["hidden_size"])
    return {"hidden": width, "timesteps": int(config["timesteps"])} | packed(folded(weights))
