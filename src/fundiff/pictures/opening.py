"""Opening of pictures: any supported file becomes an upright image with 8 bits per channel in sRGB."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageOps

from fundiff.pipeline.errors import UserError

FORMATS = (
    "PNG",
    "JPEG",
    "WEBP",
    "GIF",
    "TIFF",
    "BMP",
)  # only these: some of Pillow's other decoders start programs
DRAWN = 512  # pixels: shorter side of SVG and strokes before they are reduced
LONGEST = 16 * DRAWN  # pixels: largest longer side of an SVG


def content_of(path: str, kind: str = "image") -> bytes:
    """A file's bytes. Raises UserError if there is no such file or it cannot be read."""
    try:
        if not Path(path).exists():
            raise UserError(f"{path[:200]}: no such {kind}; give its path from the project's root")
        if not Path(path).is_file():
            raise UserError(f"{path[:200]}: no file; give the path of the {kind} itself")
        return Path(path).read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"{path[:200]}: cannot be read ({reason}); give the path of an {kind}") from None


def read(content: bytes, name: str, stretched: bool = False) -> Image.Image:
    """The image of a raster or SVG file: upright, 8 bits per channel, sRGB; mode RGB or RGBA. Raises UserError.

    stretched: whether 16-bit greys are scaled to the image's own range.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            if name.lower().endswith(".svg"):
                content = rastered(content.decode("utf-8-sig"))
            image = Image.open(io.BytesIO(content), formats=FORMATS)
            image.load()
        return in_srgb(in_bytes(ImageOps.exif_transpose(image), stretched))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        most = f"{(Image.MAX_IMAGE_PIXELS or 0) / 1e6:.0f} million pixels"
        raise UserError(f"{name}: an image of more than {most}; make it smaller") from None
    except ImageCms.PyCMSError:
        raise UserError(f"{name}: its colour profile cannot be used; save it as sRGB") from None
    except Exception:  # a decoder may raise anything for a broken file
        raise UserError(f"{name}: not a readable image; PNG, JPEG, WebP, GIF, TIFF and SVG are") from None


def opened(content: bytes, name: str, background: str = "white") -> Image.Image:
    """The RGB image of a raster or SVG file on a background colour. Raises UserError if it is neither."""
    image = read(content, name).convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, background), image).convert("RGB")


def rastered(text: str) -> bytes:
    """An SVG as PNG with its proportions: the shorter side has DRAWN pixels.

    It has fewer if the longer side would exceed LONGEST.
    """
    import resvg_py

    def png(side: int) -> bytes:
        return resvg_py.svg_to_bytes(svg_string=text, width=side, height=side, skip_system_fonts=True, dpi=96)

    inside = png(DRAWN)
    short, long = sorted(Image.open(io.BytesIO(inside)).size)
    return inside if short == long else png(min(LONGEST, round(DRAWN * long / short)))


def in_bytes(image: Image.Image, stretched: bool = False) -> Image.Image:
    """The image with 8 bits per channel.

    16-bit greys are scaled from 0 to 65535, or with `stretched` from the image's own range. 32-bit whole numbers and floats
    have no known range, so they are always scaled from their own; floats within [0, 1] only if `stretched`.
    """
    if image.mode not in ("I", "F") and not image.mode.startswith("I;16"):
        return image
    values = np.asarray(image, np.float64)
    if not np.isfinite(values).all():
        raise ValueError("not finite")
    low, high = values.min(), values.max()
    if image.mode.startswith("I;16") and not stretched:
        low, high = 0, 65535
    elif image.mode == "F" and not stretched and low >= 0 and high <= 1:
        low, high = 0, 1
    scaled = (values - low) / max(high - low, np.finfo(float).tiny) * 255
    return Image.fromarray(scaled.round().astype(np.uint8))


def converted(image: Image.Image, profile: bytes) -> Image.Image:
    """The image converted from its colour profile to sRGB. Raises PyCMSError for a profile that is invalid or does not fit."""
    try:
        embedded = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        made = ImageCms.profileToProfile(image, embedded, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (OSError, ValueError) as error:
        raise ImageCms.PyCMSError(error) from None
    assert made is not None  # profileToProfile returns None only if it changes the image in place
    return made


def in_srgb(image: Image.Image) -> Image.Image:
    """The image as RGB or RGBA in sRGB; an embedded colour profile is applied."""
    profile = image.info.get("icc_profile")
    if image.has_transparency_data:
        image = image.convert("RGBA") if image.mode not in ("LA", "RGBA") else image
        alpha, bands = image.getchannel("A"), image.convert("L" if image.mode == "LA" else "RGB")
    else:
        alpha, bands = None, image.convert("RGB") if image.mode in ("1", "P", "YCbCr", "HSV") else image
    bands = converted(bands, profile) if profile else bands.convert("RGB")
    if alpha is not None:
        bands.putalpha(alpha)
    return bands
