"""Pictures as tensors, from files, SVG, packages, URLs and strokes, cropped to squares as the course does."""

from __future__ import annotations

import hashlib
import time
import urllib.request
from collections.abc import Sequence
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self
from urllib.parse import urlsplit

import numpy as np
from PIL import Image, ImageColor, ImageDraw
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from fundiff.pictures.opening import DRAWN, content_of, opened
from fundiff.pipeline.errors import UserError
from fundiff.pipeline.files import replacing
from fundiff.pipeline.params import Section, nearest

if TYPE_CHECKING:
    from torch import Tensor  # stage fetch_images needs no torch, which takes a second to import

PACKAGED = ("rocket", "chelsea", "coffee", "astronaut")  # photographs in scikit-image's wheel
LARGEST, PATIENCE = 32 << 20, 120  # limits of a download: bytes, seconds


def known(color: str) -> str:
    """A colour that Pillow knows. Raises ValueError for another."""
    try:
        ImageColor.getrgb(color)
    except ValueError:
        raise ValueError("a colour's name or #rrggbb") from None
    return color


def on_the_web(url: str) -> str:
    """An address that begins with http or https. Raises ValueError for another."""
    parts = urlsplit(url)
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or not url.isascii()
        or not url.isprintable()
    ):
        raise ValueError("an address that begins with https:// or http://")
    if " " in url:
        raise ValueError("an address without spaces; write %20 for one")
    return url


def vertices(points: str) -> list[tuple[float, float]]:
    """(x, y) of every point in "0,0.76 1,0.76", the syntax of `points` in SVG's polyline. Raises ValueError."""
    found = [tuple(map(float, point.split(","))) for point in points.split()]
    if not found or any(len(point) != 2 or not all(-10 <= v <= 10 for v in point) for point in found):
        raise ValueError(points)
    return [(x, y) for x, y in found]


def polyline(points: Any) -> str:
    """The text of `points`, checked. Raises ValueError for another value; for a list of pairs it shows the text to write."""
    wanted = "0,0.76 1,0.76"
    if isinstance(points, list):
        with suppress(TypeError, ValueError):
            wanted = " ".join(f"{x:g},{y:g}" for x, y in points) or wanted
    elif isinstance(points, str):
        with suppress(ValueError):
            vertices(points)
            return points
    raise ValueError(f'points x,y from -10 to 10 as text with a space between: "{wanted}"')


Color = Annotated[str, AfterValidator(known)]


class Stroke(Section):
    """A line through points, or with `fill` the area inside them.

    points: x,y of every point as in SVG ("0,0.76 1,0.76"), x to the right and y down, 0 to 1 inside the picture. width: of
    the line, as a share of the picture's side.
    """

    points: Annotated[str, BeforeValidator(polyline)]
    color: Color = "black"
    width: float = Field(default=0.03, gt=0, le=1)
    fill: bool = False

    @model_validator(mode="after")
    def an_area(self) -> Self:
        """A filled stroke needs three points."""
        if self.fill and len(vertices(self.points)) < 3:
            raise ValueError("three points or more of a filled stroke")
        return self


class Source(Section):
    """Where a picture comes from (file, package, url with sha256, or strokes), and how it is cropped to a square.

    crop: `center` takes the largest square in the middle, `resize` squeezes the whole picture.
    """

    file: str | None = Field(default=None, min_length=1)
    package: Literal[PACKAGED] | None = None  # type: ignore[valid-type]
    url: Annotated[str, AfterValidator(on_the_web)] | None = None
    sha256: str | None = Field(default=None, pattern="^[0-9a-fA-F]{64}$")
    strokes: list[Stroke] | None = None
    background: Color = "white"
    crop: Literal["resize", "center"] = "center"

    @model_validator(mode="after")
    def one(self) -> Self:
        """Exactly one source; a url has its hash."""
        if sum(kind is not None for kind in (self.file, self.package, self.url, self.strokes)) != 1:
            raise ValueError("exactly one of file, package, url, strokes")
        if (self.url is None) != (self.sha256 is None):
            raise ValueError("url and sha256 together, so that a changed picture is noticed")
        return self


def drawn(strokes: Sequence[Stroke], background: str, size: int = DRAWN) -> Image.Image:
    """Strokes on a square ground of `size` pixels, with round ends and joints, RGB."""
    image = Image.new("RGB", (size, size), background)
    draw = ImageDraw.Draw(image)
    for stroke in strokes:
        points = [(x * size, y * size) for x, y in vertices(stroke.points)]
        if stroke.fill:
            draw.polygon(points, fill=stroke.color)
            continue
        width = max(1, round(stroke.width * size))
        draw.line(points, fill=stroke.color, width=width, joint="curve")
        for x, y in points:
            r = width / 2
            draw.ellipse((x - r, y - r, x + r, y + r), fill=stroke.color)
    return image


def web() -> urllib.request.OpenerDirector:
    """An opener of http and https only. It does not follow a redirection to another scheme, such as file."""
    opener = urllib.request.OpenerDirector()
    kinds = ("Proxy", "Unknown", "HTTP", "HTTPS", "HTTPDefaultError", "HTTPRedirect")
    for handler in [*(f"{kind}Handler" for kind in kinds), "HTTPErrorProcessor"]:
        opener.add_handler(getattr(urllib.request, handler)())
    return opener


def downloaded(url: str, sha256: str) -> bytes:
    """The content of a URL. Raises UserError if it cannot be fetched, is too large or slow, or has another SHA-256."""
    content, deadline = bytearray(), time.monotonic() + PATIENCE
    try:
        with web().open(url, timeout=PATIENCE / 4) as answer:
            while part := answer.read1(1 << 16):
                content += part
                if len(content) > LARGEST:
                    raise OSError(f"more than {LARGEST >> 20} MB")
                if time.monotonic() > deadline:
                    raise OSError(f"no end after {PATIENCE} s")
            if answer.length:
                raise OSError(f"{answer.length} bytes are missing at its end")
    except (OSError, ValueError, HTTPException) as error:
        why = str(error) or type(error).__name__
        raise UserError(
            f"{url}: cannot be fetched ({why}); check the network, or save it as a file"
        ) from None
    found = hashlib.sha256(content).hexdigest()
    if found != sha256.lower():
        raise UserError(f"{url}: SHA-256 is {found}; params.yaml says {sha256}")
    return bytes(content)


def squared(image: Image.Image, size: int, crop: str) -> Image.Image:
    """The image as `size` x `size` pixels: its centre square, or with crop "resize" all of it squeezed."""
    if crop == "center":
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        image = image.crop((left, top, left + side, top + side))
    return image.resize((size, size), Image.Resampling.LANCZOS)


def picture(source: Source, size: int) -> Image.Image:
    """The picture of a source as a `size` x `size` RGB image. Raises UserError if it cannot be read or fetched."""
    if source.strokes is not None:
        image = drawn(source.strokes, source.background)
    elif source.package is not None:
        import skimage

        file = next((Path(skimage.__file__).parent / "data").glob(f"{source.package}.*"))
        image = opened(file.read_bytes(), file.name)
    elif source.url is not None:
        image = opened(
            downloaded(source.url, str(source.sha256)), urlsplit(source.url).path, source.background
        )
    else:
        image = opened(content_of(str(source.file)), str(source.file), source.background)
    return squared(image, size, source.crop)


def save_png(path: str | Path, image: Tensor | Image.Image, compress_level: int = 6) -> None:
    """Write an image, or a tensor `[3, H, W]` in [-1, 1], as PNG in its true size.

    compress_level: zlib's; 1 takes a third of the time and up to a third more space.
    """
    if not isinstance(image, Image.Image):
        pixels = ((image.float() + 1) * 127.5).round().clamp(0, 255).byte().permute(1, 2, 0)
        image = Image.fromarray(pixels.cpu().numpy())
    with replacing(path) as temporary:
        image.save(temporary, "PNG", compress_level=compress_level)


def from_image(image: Image.Image) -> Tensor:
    """An RGB image as `[3, H, W]` in [-1, 1]."""
    import torch

    return torch.from_numpy(np.asarray(image, np.float32) / 127.5 - 1).permute(2, 0, 1)


def load_picture(folder: str | Path, name: str, size: int | None = None) -> Tensor:
    """The picture `name` of data/pictures as `[3, S, S]` in [-1, 1].

    Raises UserError for an unknown name, or if S is not `size`.
    """
    path = Path(folder) / f"{name}.png"
    if not path.is_file():
        known = nearest(name, sorted(p.stem for p in Path(folder).glob("*.png")))
        raise UserError(f"params.yaml: {name!r} is not a key of fetch_images.images; {known}")
    image = opened(content_of(str(path)), str(path))
    if size not in (None, image.width):
        raise UserError(
            f"params.yaml: fetch_images.size is {image.width}; the model draws {size} pixels, set it to that"
        )
    return from_image(image)
