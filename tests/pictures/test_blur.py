"""The blur in two passes equals torchvision's blur."""

import pytest
import torch
from torchvision.transforms.functional import gaussian_blur as single_pass

from fundiff.pictures.blur import gaussian_blur


@pytest.mark.parametrize(("kernel_size", "sigma"), [(33, 2.0), (3, 0.5), (25, 6.0), (1, 1.0)])
def test_two_passes_are_one(kernel_size, sigma):
    x = torch.rand(2, 3, 64, 48, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(gaussian_blur(x, kernel_size, sigma), single_pass(x, kernel_size, sigma), atol=1e-6)


def test_a_constant_stays_constant():
    assert torch.allclose(gaussian_blur(torch.full((1, 1, 28, 28), 0.7), 13, 2.0), torch.tensor(0.7))
