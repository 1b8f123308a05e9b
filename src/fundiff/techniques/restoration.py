"""Noising a picture and restoring it, in one step or iteratively (course A1.1 to A1.4)."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from fundiff.pictures.outs import unit
from fundiff.pictures.restoration import psnr, ssim
from fundiff.pipeline.errors import UserError
from fundiff.pipeline.noise import generator, randn
from fundiff.process.paths import Path
from fundiff.techniques.bench import Bench
from fundiff.techniques.settings import Denoising


def noisy(path: Path, seed: int, image: Tensor, t: int) -> Tensor:
    """x_t `[1, 3, S, S]` of the picture `[3, S, S]`; the noise is the same in every stage (course A1.1).

    Raises UserError if t is not below T.
    """
    if t >= len(path):
        raise UserError(f"params.yaml: timestep {t} is out of range; the model knows 0 to {len(path) - 1}")
    eps = randn([generator(seed, "forward", t)], image.shape, str(image.device))
    return path.forward(image[None], t, eps)


def one_step(bench: Bench, x_t: Tensor, t: float, prompt: str) -> Tensor:
    """x_0 from one estimate: (x_t - sqrt(1 - abar_t) eps) / sqrt(abar_t) (course A1.3), or x_t + (1 - t) v of a flow."""
    return bench.process.x0(x_t, t, bench.conditional([prompt])(x_t, t).eps)


def iterative(
    bench: Bench, settings: Denoising, x_t: Tensor, timesteps: Sequence[float], prompt: str
) -> list[Tensor]:
    """All steps `[1, 3, S, S]` from x_t at timesteps[0] to the last timestep (course A1.4)."""
    generators = [generator(settings.seed, "sample", 0)]
    return [x_t, *bench.denoise(settings, x_t, bench.conditional([prompt]), timesteps, generators)]


def psnr_ssim(x: Tensor, image: Tensor) -> dict[str, float]:
    """PSNR in dB and SSIM of x `[1, 3, S, S]` against the picture `[3, S, S]`, both in [-1, 1]."""
    return {"psnr": psnr(unit(x), unit(image[None])), "ssim": ssim(unit(x), unit(image[None]))}
