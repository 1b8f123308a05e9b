"""Distances between sets of features: closed forms, comparison with a library, and sets that they must rank correctly."""

import math

import pytest
import torch
from torchmetrics.image.fid import _compute_fid
from torchmetrics.image.kid import poly_mmd

from fundiff.judge.distances import coverage, frechet, kid, nearest_mse, recall
from fundiff.pictures.restoration import best_sigma, blur, psnr, ssim


def normal(n: int, d: int, seed: int, mean: float = 0.0, scale: float = 1.0) -> torch.Tensor:
    return mean + scale * torch.randn(
        n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64
    )


def test_frechet_of_a_shifted_set_is_the_shift_squared():
    a = normal(300, 4, 0)
    assert frechet(a, a + 2) == pytest.approx(4 * 4, abs=1e-9)
    assert frechet(a, a) == pytest.approx(0, abs=1e-9)


def test_frechet_of_a_scaled_set_is_known():
    a = normal(300, 4, 0)
    a = a - a.mean(0)
    assert frechet(a, 3 * a) == pytest.approx(4 * torch.cov(a.T).trace().item(), rel=1e-9)


def test_frechet_and_kid_agree_with_torchmetrics():
    a, b = normal(200, 8, 1), normal(200, 8, 2, mean=0.3, scale=1.5)
    expected = _compute_fid(a.mean(0), torch.cov(a.T), b.mean(0), torch.cov(b.T)).item()
    assert frechet(a, b) == pytest.approx(expected, rel=1e-6)
    assert kid(a, b) == pytest.approx(poly_mmd(a, b).item(), rel=1e-6)


def test_a_frechet_of_singular_sets_is_finite():
    assert math.isfinite(frechet(torch.zeros(10, 4), normal(50, 4, 0)))


def test_coverage_and_recall_of_real_noise_and_collapse():
    real, again, far = normal(300, 4, 0), normal(300, 4, 1), normal(300, 4, 2, mean=50)
    collapsed = real[:1].expand(300, 4)
    assert coverage(real, real) == 1 and recall(real, real) == 1
    assert coverage(again, real) > 0.9 and recall(again, real) > 0.9
    assert coverage(far, real) == 0 and recall(far, real) == 0
    assert coverage(collapsed, real) < 0.1 and recall(collapsed, real) < 0.1


def test_a_copy_of_a_training_image_is_found():
    train = torch.rand(20, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    distances = nearest_mse(torch.stack([train[7], 1 - train[7]]), train)
    assert distances[0] < 1e-9 < distances[1]


def test_psnr_of_a_known_error():
    assert psnr(torch.full((1, 1, 8, 8), 0.5), torch.zeros(1, 1, 8, 8)) == pytest.approx(6.0206, abs=1e-4)
    assert psnr(torch.zeros(1, 1, 8, 8), torch.zeros(1, 1, 8, 8)) == math.inf


def test_ssim_is_one_for_equal_images_and_falls_with_noise():
    clean = torch.rand(3, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    noise = torch.randn(3, 1, 28, 28, generator=torch.Generator().manual_seed(1))
    assert ssim(clean, clean) == pytest.approx(1)
    assert ssim(clean + 0.05 * noise, clean) > ssim(clean + 0.3 * noise, clean)


def test_more_noise_wants_a_wider_blur():
    clean = blur(torch.rand(4, 1, 28, 28, generator=torch.Generator().manual_seed(0)), 2.0)
    noise = torch.randn(4, 1, 28, 28, generator=torch.Generator().manual_seed(1))
    assert best_sigma(clean + 0.02 * noise, clean) < best_sigma(clean + 0.5 * noise, clean)


def test_blur_keeps_a_flat_image():
    assert torch.allclose(
        blur(torch.full((1, 1, 28, 28), 0.3), 1.5), torch.full((1, 1, 28, 28), 0.3), atol=1e-6
    )


def test_psnr_and_ssim_agree_with_torchmetrics():
    from torchmetrics.functional.image import peak_signal_noise_ratio, structural_similarity_index_measure

    g = torch.Generator().manual_seed(0)
    clean = torch.rand(3, 3, 24, 24, generator=g)
    for strength in (0.02, 0.1, 0.4):
        noisy = (clean + strength * torch.randn(clean.shape, generator=g)).clamp(0, 1)
        assert psnr(noisy, clean) == pytest.approx(
            float(peak_signal_noise_ratio(noisy, clean, data_range=1.0)), abs=1e-4
        )
        theirs = structural_similarity_index_measure(
            noisy, clean, gaussian_kernel=False, kernel_size=7, data_range=1.0
        )
        # scikit-image divides a window's variances by 48, torchmetrics by 49.
        assert ssim(noisy, clean) == pytest.approx(float(theirs), abs=5e-3)
