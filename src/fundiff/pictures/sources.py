"""Pictures as tensors: from files, SVG, packages, URLs and strokes, cropped as the course does."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from PIL import Image, ImageDraw, UnidentifiedImageError
from pydantic import Field, model_validator
from torch import Tensor

from fundiff.pipeline.errors import UserError
from fundiff.pipeline.files import replacing
from fundiff.pipeline.params import Section, nearest

PACKAGED = ("rocket", "chelsea", "coffee", "astronaut")  # photographs that lie in scikit-image's wheel
DRAWN = 512  # pixels: the size at which SVG and strokes are drawn before they are made small


class Stroke(Section):
    """A line through points, or with `fill` the area inside them; x rightward, y downward, from 0 to 1."""

    points: list[tuple[float, float]] = Field(min_length=1)
    color: str = "black"
    width: float = Field(default=0.03, gt=0, le=1)
    fill: bool = False


class Source(Section):
    """Where a picture comes from (file, package, url with sha256, or strokes) and how it becomes square."""

    file: str | None = None
    package: Literal[PACKAGED] | None = None  # type: ignore[valid-type]
    url: str | None = None
    sha256: str | None = None
    strokes: list[Stroke] | None = None
    background: str = "white"
    crop: Literal["resize", "center"] = "center"

    @model_validator(mode="after")
    def one(self):
        """Exactly one source, and a hash for what comes from the network."""
        if sum(kind is not None for kind in (self.file, self.package, self.url, self.strokes)) != 1:
            raise ValueError("exactly one of file, package, url, strokes")
        if (self.url is None) != (self.sha256 is None):
            raise ValueError("url and sha256 together, so that a changed picture is noticed")
        return self


def opened(content: bytes, name: str, background: str = "white") -> Image.Image:
    """An image from the bytes of a raster or SVG file, over a ground. Raises UserError if it is neither."""
    try:
        if name.lower().endswith(".svg"):
            import resvg_py

            text = content.decode("utf-8")
            content = resvg_py.svg_to_bytes(svg_string=text, width=DRAWN, skip_system_fonts=True, dpi=96)
        image = Image.open(io.BytesIO(content)).convert("RGBA")
    except (UnidentifiedImageError, OSError, ValueError):
        raise UserError(f"{name}: not a readable image; PNG, JPEG, WebP, GIF and SVG are") from None
    ground = Image.new("RGBA", image.size, background)
    return Image.alpha_composite(ground, image).convert("RGB")


def drawn(strokes: Sequence[Stroke], background: str, size: int = DRAWN) -> Image.Image:
    """Strokes on a square ground, with round ends and joints."""
    image = Image.new("RGB", (size, size), background)
    draw = ImageDraw.Draw(image)
    for stroke in strokes:
        points = [(x * size, y * size) for x, y in stroke.points]
        if stroke.fill:
            draw.polygon(points, fill=stroke.color)
            continue
        width = max(1, round(stroke.width * size))
        draw.line(points, fill=stroke.color, width=width, joint="curve")
        for x, y in points:
            r = width / 2
            draw.ellipse((x - r, y - r, x + r, y + r), fill=stroke.color)
    return image


def fetched(url: str, sha256: str) -> bytes:
    """The content of a URL. Raises UserError where it cannot be had or is not the one that was meant."""
    import urllib.request

    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            content = answer.read()
    except (OSError, ValueError) as error:
        raise UserError(
            f"{url}: cannot be fetched ({error}); check the network, or save it as a file"
        ) from None
    found = hashlib.sha256(content).hexdigest()
    if found != sha256.lower():
        raise UserError(f"{url}: SHA-256 is {found}; params.yaml says {sha256}")
    return content


def squared(image: Image.Image, size: int, crop: str) -> Image.Image:
    """The course's two ways to a square: the whole resized, or the centre of the shortest side's length."""
    if crop == "center":
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        image = image.crop((left, top, left + side, top + side))
    return image.resize((size, size), Image.Resampling.LANCZOS)


def picture(source: Source, size: int) -> Image.Image:
    """The picture of a source as a `size` x `size` RGB image. Raises UserError where it cannot be had."""
    try:
        if source.strokes is not None:
            image = drawn(source.strokes, source.background)
        elif source.package is not None:
            import skimage

            path = Path(skimage.__file__).parent / "data"
            file = next(path.glob(f"{source.package}.*"))
            image = opened(file.read_bytes(), file.name)
        elif source.url is not None:
            image = opened(fetched(source.url, str(source.sha256)), source.url, source.background)
        else:
            image = opened(Path(str(source.file)).read_bytes(), str(source.file), source.background)
    except FileNotFoundError:
        raise UserError(f"{source.file}: no such image; give its path from the project's root") from None
    except ValueError as error:
        raise UserError(f"params.yaml: fetch_images: {error}") from None
    return squared(image, size, source.crop)


def save_png(path: str | Path, image: Tensor | Image.Image) -> None:
    """Write an image, or a tensor `[3, H, W]` in [-1, 1], as PNG in its true size."""
    if isinstance(image, Tensor):
        pixels = ((image.float() + 1) * 127.5).round().clamp(0, 255).byte().permute(1, 2, 0)
        image = Image.fromarray(pixels.cpu().numpy())
    with replacing(path) as temporary:
        image.save(temporary, "PNG")


def load_picture(folder: str | Path, name: str) -> Tensor:
    """The fetched picture `name` as `[3, S, S]` in [-1, 1]. Raises UserError for an unknown one."""
    path = Path(folder) / f"{name}.png"
    if not path.is_file():
        known = nearest(name, sorted(p.stem for p in Path(folder).glob("*.png")))
        raise UserError(f"params.yaml: {name!r} is not a key of fetch_images.images; {known}")
    image = np.asarray(Image.open(path).convert("RGB"), np.float32)
    return torch.from_numpy(image / 127.5 - 1).permute(2, 0, 1)
