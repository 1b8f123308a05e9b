"""Real-ESRGAN in plain torch: it gives ncnn's result, and faulty weights give errors."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from fundiff.pipeline.errors import UserError
from fundiff.prior.realesrgan import FACTOR, WEIGHTS, RealESRGAN, load_realesrgan, read_ncnn


@pytest.fixture(scope="module")
def network():
    return load_realesrgan()


@torch.no_grad()
def test_in_bf16_the_details_are_nearly_the_same(network):
    x = torch.rand(1, 3, 24, 24, generator=torch.Generator().manual_seed(0))
    half = load_realesrgan(dtype=torch.bfloat16)(x)
    assert half.dtype == torch.float32 and (half - network(x)).abs().mean() < 0.01


def test_it_has_the_parameters_of_the_published_network(network):
    assert sum(p.numel() for p in network.parameters()) == 621_424


@torch.no_grad()
def test_it_draws_what_ncnn_draws(network):
    """The picture beside this file was made by PyPI's ncnn 1.0.20261020 from the same file, in single precision."""
    y, x = np.mgrid[0:12, 0:16]
    small = np.stack([x * 16, y * 21, (x * 37 + y * 91) % 256], -1).astype(np.uint8)
    small[3:8, 4:9] = [250, 20, 40]
    large = network(torch.tensor(small).permute(2, 0, 1)[None] / 255)
    drawn = large[0].clamp(0, 1).mul(255).round().permute(1, 2, 0).numpy()
    expected = np.asarray(Image.open(Path(__file__).with_name("realesrgan_by_ncnn.png")), np.float32)
    assert drawn.shape == expected.shape == (48, 64, 3)
    assert np.abs(drawn - expected).max() <= 1  # both round to 1/255


@torch.no_grad()
@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_an_even_picture_stays_even(network, value):
    large = network(torch.full((2, 3, 16, 24), value))
    assert large.shape == (2, 3, 16 * FACTOR, 24 * FACTOR)
    inner = large[..., 32:-32]  # zero padding shows at the border
    assert (inner - value).abs().max() < 0.03 and inner[..., 16:-16, :].std(dim=(-2, -1)).max() < 0.01


def test_missing_and_damaged_weights_are_one_line(tmp_path):
    path = tmp_path / "w.bin"
    with pytest.raises(UserError, match=r"w\.bin: not found; `git checkout .*upscaling\.upscaler=resize"):
        load_realesrgan(path=path)
    path.write_bytes(WEIGHTS.read_bytes()[:-4])
    with pytest.raises(UserError, match=r"w\.bin: SHA-256 [0-9a-f]{12}\.\.\., expected 548a36f9c3f4"):
        load_realesrgan(path=path)


def test_a_file_of_another_network_is_not_read():
    content = WEIGHTS.read_bytes()
    with pytest.raises(ValueError, match="4 bytes are left over"):
        read_ncnn(content + bytes(4), RealESRGAN())
    with pytest.raises(ValueError, match="no half precision weights at byte 0"):
        read_ncnn(bytes(4) + content[4:], RealESRGAN())
