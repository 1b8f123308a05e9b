"""Pictures of every kind that users have: opened upright, with any bit depth, in the right colours, or refused in one line."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from fundiff.pictures.opening import LONGEST, content_of, opened, read
from fundiff.pipeline.errors import UserError

RAMP = np.linspace(0, 1, 64)[None].repeat(8, 0)


def saved(image: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def pixels(content: bytes, name: str = "a.png", **options) -> np.ndarray:
    return np.asarray(opened(content, name, **options)).astype(int)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize(("orientation", "turned"), [(3, Image.Transpose.ROTATE_180), (6, Image.Transpose.ROTATE_90), (8, Image.Transpose.ROTATE_270)])  # fmt: skip
def test_a_picture_lies_as_its_camera_was_held(kind, orientation, turned):
    upright = Image.new("RGB", (40, 24), "white")
    upright.paste("black", (0, 0, 20, 8))
    exif = Image.Exif()
    exif[0x0112] = orientation
    seen = pixels(saved(upright.transpose(turned), kind, exif=exif))
    assert seen.shape == (24, 40, 3)
    assert np.abs(seen - np.asarray(upright)).max() < 40


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ((RAMP * 65535).astype(np.uint16), "PNG"),
        ((RAMP * 65535).astype(np.uint16), "TIFF"),
        ((RAMP * 2**31 - 2**30).astype(np.int32), "TIFF"),
        (RAMP.astype(np.float32), "TIFF"),
        ((RAMP * 9 - 3).astype(np.float32), "TIFF"),
    ],
)
def test_greys_of_any_depth_keep_their_ramp(values, kind):
    seen = pixels(saved(Image.fromarray(values), kind))
    assert np.abs(seen - (RAMP * 255)[..., None]).max() <= 1


def test_a_dark_picture_of_16_bits_stays_dark_and_a_dim_mask_is_stretched():
    dim = saved(Image.fromarray((RAMP * 1000).astype(np.uint16)), "PNG")
    assert pixels(dim).max() == 4
    assert np.asarray(read(dim, "a.png", stretched=True)).max() == 255
    flat = saved(Image.fromarray(np.full((4, 4), 9, np.float32)), "TIFF")
    assert pixels(flat).max() == 0


def swapped_primaries() -> bytes:
    """sRGB's profile with red and green exchanged: a reader that ignores profiles shows the wrong colours."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    at = {profile[132 + 12 * i : 136 + 12 * i].decode(): 132 + 12 * i for i in range(profile[131])}
    (red,), (green,) = (struct.unpack_from(">I", profile, at[name] + 4) for name in ("rXYZ", "gXYZ"))
    profile[red : red + 20], profile[green : green + 20] = (
        profile[green : green + 20],
        profile[red : red + 20],
    )
    return bytes(profile)


def of_cmyk() -> bytes:
    """A CMYK profile with two grid points per ink: black ink looks red, every other ink looks like white paper."""
    grid = b"".join(bytes([140, 200, 190]) if i & 1 else bytes([255, 128, 128]) for i in range(16))
    matrix = b"".join(struct.pack(">i", 65536 * one) for one in (1, 0, 0, 0, 1, 0, 0, 0, 1))
    straight = bytes(range(256))
    table = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + matrix + straight * 4 + grid + straight * 3
    tags = struct.pack(">I4sII", 1, b"A2B0", 144, len(table))
    head = struct.pack(">I4sI4s4s4s12s4s", 144 + len(table), b"lcms", 0x02400000, b"prtr", b"CMYK", b"Lab ", bytes(12), b"acsp")  # fmt: skip
    head += bytes(28) + struct.pack(">iii", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + tags + table


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_an_embedded_profile_is_converted_to_srgb(kind):
    content = saved(Image.new("RGB", (16, 16), (250, 10, 10)), kind, icc_profile=swapped_primaries())
    red, green, blue = pixels(content)[8, 8]
    assert green > 240 and red < 60 and blue < 60
    clear = saved(Image.new("RGBA", (4, 4), (250, 10, 10, 0)), "PNG", icc_profile=swapped_primaries())
    assert (pixels(clear) == 255).all()


def test_a_cmyk_jpeg_has_the_colours_of_its_profile():
    ink = Image.new("CMYK", (16, 16), (0, 0, 0, 255))
    red, green, blue = pixels(saved(ink, "JPEG", icc_profile=of_cmyk()))[8, 8]
    assert red > green + 80 and red > blue + 80
    assert pixels(saved(ink, "JPEG")).max() < 10


def test_a_profile_that_is_none_is_one_line():
    content = saved(Image.new("RGB", (4, 4)), "PNG", icc_profile=b"no profile at all")
    with pytest.raises(UserError, match="its colour profile cannot be used; save it as sRGB"):
        opened(content, "a.png")


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr"])
def test_every_mode_is_opened_over_its_ground(mode):
    image = Image.new("RGBA", (8, 8), (200, 200, 200, 0)).convert(mode)
    kind = "JPEG" if mode in ("CMYK", "YCbCr") else "PNG"
    seen = pixels(saved(image, kind), background="white")
    assert seen.shape == (8, 8, 3)
    assert (seen == 255).all() == (mode in ("LA", "RGBA", "P"))


def png_of(width: int, height: int) -> bytes:
    """A 1-bit PNG of any size that takes next to no bytes."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    body = zlib.compress(bytes((width // 8 + 1) * height)) if height < 100_000 else b""
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


SVG = '<svg xmlns="http://www.w3.org/2000/svg" {}><rect width="9999" height="9999" fill="red"/></svg>'


def test_an_svg_keeps_its_proportions_and_is_never_huge():
    assert opened(SVG.format('viewBox="0 0 20 10"').encode(), "a.svg").size == (1024, 512)
    assert opened(SVG.format('viewBox="0 0 10 100000"').encode(), "a.svg").height <= LONGEST
    huge = SVG.format('width="1000000" height="1000000"').encode()
    assert max(opened(huge, "a.svg").size) <= LONGEST


@pytest.mark.parametrize("size", [(20000, 20000), (2**30, 2**30), (12000, 12000)])
def test_a_bomb_is_one_line(size):
    with pytest.raises(UserError, match=r"a\.png: an image of more than 89 million pixels; make it smaller"):
        opened(png_of(*size), "a.png")


WHOLE = saved(Image.fromarray(np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)), "PNG")


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"", "a.png"),
        (b"no picture", "a.png"),
        (WHOLE[: len(WHOLE) // 2], "a.png"),
        (WHOLE, "a.svg"),
        (b"<svg", "a.svg"),
        (b"", "a.svg"),
        ("<svg/>".encode("utf-16"), "a.svg"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "a.eps"),
        (saved(Image.fromarray(np.full((2, 2), np.nan, np.float32)), "TIFF"), "a.tif"),
        (b"GIF89a\1\0\1\0\0\0\0", "a.gif"),
    ],
)
def test_what_is_no_picture_is_one_line(content, name):
    with pytest.raises(
        UserError, match=f"{name}: not a readable image; PNG, JPEG, WebP, GIF, TIFF and SVG are"
    ):
        opened(content, name)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("none.png", "no such image; give its path"),
        (".", "no file; give the path of the image itself"),
        ("a" * 5000, "cannot be read"),
        ("a\0b", "no such image"),
        ("/dev/zero", "no file"),
    ],
)
def test_a_path_that_leads_to_no_file_is_one_line(path, said):
    with pytest.raises(UserError, match=said) as error:
        content_of(path)
    assert "\n" not in str(error.value) and len(str(error.value)) < 400
