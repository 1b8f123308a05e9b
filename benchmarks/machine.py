"""Print a description of this machine as JSON. It loads torch, so it runs in a process of its own."""

import json

import torch

from fundiff.pipeline.machine import described
from fundiff.pipeline.runtime import prepare_runtime

if __name__ == "__main__":
    runtime = prepare_runtime()
    accelerator = torch.cuda.get_device_name() if runtime.device.startswith("cuda") else None
    told = {
        "accelerator": accelerator,
        "torch": torch.__version__,
        "threads": runtime.threads,
        "precision": runtime.precision,
        "runtime": str(runtime),
    }
    print(json.dumps(described() | told))
