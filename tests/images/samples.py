"""Made pictures as file bytes, in every format that is promised, and what to compare them by."""

import io
import struct
import zlib
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pillow_heif
from PIL import Image

from simsearch.config import Preprocessing
from simsearch.images.decode import decode
from tests.conftest import picture

Bytes = npt.NDArray[np.uint8]
PREPROCESSING = Preprocessing()
WIDTH, HEIGHT = 160, 120
SIDE = 256  # of a square whose centre 224 pixels are cut out and not scaled
CENTRE = slice(16, 240)

# name: (Pillow's format, how to save, what sniff calls it)
FORMATS: dict[str, tuple[str, dict[str, Any], str]] = {
    "jpeg": ("JPEG", {"quality": 95}, "JPEG"),
    "progressive-jpeg": ("JPEG", {"quality": 95, "progressive": True}, "JPEG"),
    "png": ("PNG", {}, "PNG"),
    "webp": ("WEBP", {"quality": 95}, "WEBP"),
    "lossless-webp": ("WEBP", {"lossless": True}, "WEBP"),
    "gif": ("GIF", {}, "GIF"),
    "tiff": ("TIFF", {}, "TIFF"),
    "lzw-tiff": ("TIFF", {"compression": "tiff_lzw"}, "TIFF"),
    "big-tiff": ("TIFF", {"big_tiff": True}, "TIFF"),
    "bmp": ("BMP", {}, "BMP"),
    "avif": ("AVIF", {"quality": 95}, "AVIF"),
    "heic": ("HEIF", {"quality": 95}, "HEIF"),
    "jp2": ("JPEG2000", {}, "JPEG2000"),
    "j2k": ("JPEG2000", {"no_jp2": True}, "JPEG2000"),
    "ppm": ("PPM", {}, "PPM"),
}


def encoded(image: Image.Image, form: str, **options: Any) -> bytes:
    """Return a picture as the bytes of a file."""
    buffer = io.BytesIO()
    if form == "HEIF":
        # Without registering the opener: that is for the decoder to do.
        pillow_heif.from_pillow(image).save(buffer, **options)
    else:
        image.save(buffer, form, **options)
    return buffer.getvalue()


@cache
def sample(name: str) -> bytes:
    """Return the made picture of seed 0, WIDTH x HEIGHT pixels, in one of FORMATS."""
    form, options, _ = FORMATS[name]
    return encoded(picture(0, WIDTH, HEIGHT), form, **options)


@cache
def upright() -> Image.Image:
    """Return the picture that every sample shows."""
    return picture(0, WIDTH, HEIGHT)


def pixels(data: bytes) -> Bytes:
    """Decode and check what holds for every picture."""
    decoded = decode(data, PREPROCESSING)
    assert decoded.pixels.shape == (224, 224, 3)
    assert decoded.pixels.dtype == np.uint8
    return decoded.pixels


def difference(a: Bytes, b: Bytes) -> float:
    """Return the mean absolute difference of two pictures' values, 0 to 255."""
    return float(np.abs(a.astype(int) - b.astype(int)).mean())


def colours(seed: int = 3, width: int = SIDE, height: int = SIDE) -> Image.Image:
    return picture(seed, width, height)


def centre(image: Image.Image) -> Bytes:
    return np.asarray(image.convert("RGB"))[CENTRE, CENTRE]


def png(
    width: int, height: int, rows: bytes, depth: int = 8, colour: int = 2, extra: bytes = b""
) -> bytes:
    """Assemble a PNG by hand: any header over any rows (each begins with its filter byte)."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    body = _chunk(b"IHDR", header) + extra + _chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + body + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
