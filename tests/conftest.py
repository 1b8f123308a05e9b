"""Small tensors are fastest on one thread, and tests must not fight a training for the cores."""

import torch

torch.set_num_threads(1)
