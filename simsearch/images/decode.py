"""Decode picture files to the small RGB squares that encoders take."""

import hashlib
import io
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFile, UnidentifiedImageError, features

from simsearch.config import Preprocessing
from simsearch.errors import FailureKind, PictureError
from simsearch.images.formats import HEAD_BYTES, sniff

MAX_FILE_BYTES = 1 << 30
_PIPED = 1 << 28
_LARGE_PIXELS = 24_000_000
# Pictures above _LARGE_PIXELS take over 100 MB each while they are decoded: one at a time.
_large_picture = threading.Lock()

_INTERPOLATIONS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
# Only these are tried: Pillow knows many more, and one of them runs Ghostscript.
_FORMATS = ("JPEG", "PNG", "GIF", "BMP", "PPM", "TIFF", "WEBP", "AVIF", "JPEG2000", "DIB")
_ORIENTATION_TAG = 0x0112
_TRANSPOSE = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture.

    Attributes:
        pixels: uint8 [size, size, 3], RGB, upright, transparent parts over white.
        width, height: pixels, as stored in the file (before EXIF orientation).
        format: Pillow's name of the file format.
    """

    pixels: npt.NDArray[np.uint8]
    width: int
    height: int
    format: str


def read_file(path: str) -> bytes:
    """Return a file's bytes.

    Raises:
        PictureError: the file can't be read, is empty or larger than MAX_FILE_BYTES.
    """
    try:
        with Path(path).open("rb") as stream:
            status = os.fstat(stream.fileno())
            # read(n) sets n bytes aside first; a pipe has no size.
            limit = min(status.st_size, MAX_FILE_BYTES) if stat.S_ISREG(status.st_mode) else _PIPED
            data = stream.read(limit + 1)
    except OSError as error:
        reason = error.strerror or str(error)
        raise PictureError(FailureKind.UNREADABLE, reason) from error
    if not data:
        raise PictureError(FailureKind.EMPTY, "the file has no bytes")
    if len(data) > limit:
        raise PictureError(FailureKind.TOO_LARGE, f"over {limit >> 20} MiB")
    return data


def decode(data: bytes, preprocessing: Preprocessing) -> Picture:
    """Decode a picture file's bytes to a square of `preprocessing.size` pixels.

    The centre is cut out and scaled in one step; JPEGs are decoded at the smallest of their
    built-in scales that still holds enough pixels. Of an animation, the first frame counts.

    Raises:
        PictureError: the bytes are no picture, or one that can't be decoded safely.
    """
    with _opened(data) as image:
        width, height = image.size
        _draft(image, preprocessing)
        with _alone_if_large(image):
            part = square(_scalable(image), preprocessing)
        pixels = np.asarray(_upright_rgb(part, image))
        return Picture(pixels, width, height, image.format or "unknown")


def is_large(data: bytes, preprocessing: Preprocessing) -> bool:
    """Tell whether `decode` takes so much memory that it decodes one such picture at a time.

    Raises:
        PictureError: as for `decode`.
    """
    with _opened(data) as image:
        _draft(image, preprocessing)
        return _takes_much_memory(image)


def shrink(data: bytes, side: int) -> Image.Image:
    """Return a picture file's bytes as an upright RGB image of at most `side` x `side` pixels.

    Raises:
        PictureError: as for `decode`.
    """
    with _opened(data) as image:
        image.draft(None, (side, side))
        with _alone_if_large(image):
            small = _scalable(image)
            small.thumbnail((side, side))
        return _upright_rgb(small, image)


def square(image: Image.Image, preprocessing: Preprocessing) -> Image.Image:
    """Cut out and scale to a square what `preprocessing` asks for; see its `fit`."""
    size, fraction = preprocessing.size, preprocessing.crop_fraction
    filter_ = _INTERPOLATIONS[preprocessing.interpolation]
    sides = (min(image.size),) * 2 if preprocessing.fit == "crop" else image.size
    width, height = sides[0] * fraction, sides[1] * fraction
    left, top = (image.width - width) / 2, (image.height - height) / 2
    box = (left, top, left + width, top + height)
    if preprocessing.fit != "pad":
        return image.resize((size, size), filter_, box=box)
    scale = size / max(width, height)
    inner = (max(1, round(width * scale)), max(1, round(height * scale)))
    padded = Image.new(image.mode, (size, size), "white")
    padded.paste(
        image.resize(inner, filter_, box=box), ((size - inner[0]) // 2, (size - inner[1]) // 2)
    )
    return padded


def pixel_digest(data: bytes) -> str:
    """Return the SHA-256 of a picture file's upright RGB pixels and their number, hexadecimal.

    Raises:
        PictureError: as for `decode`.
    """
    with _opened(data) as image:
        with _alone_if_large(image):
            whole = _upright_rgb(_scalable(image), image)
        digest = hashlib.sha256(f"{whole.width}x{whole.height}".encode())
        digest.update(whole.tobytes())
        return digest.hexdigest()


def thumbnail(data: bytes, side: int) -> bytes:
    """Return a picture file's bytes as an upright JPEG of at most `side` x `side` pixels.

    Raises:
        PictureError: as for `decode`.
    """
    buffer = io.BytesIO()
    shrink(data, side).save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


def decodable_formats() -> dict[str, bool]:
    """Return each format that is promised and whether this installation decodes it."""
    try:
        _register_heif()
        heif = True
    except ImportError:
        heif = False
    return {
        "JPEG": bool(features.check("jpg")),
        "PNG": bool(features.check("zlib")),
        "WebP": bool(features.check("webp")),
        "AVIF": bool(features.check("avif")),
        "HEIC": heif,
        "TIFF": bool(features.check("libtiff")),
        "JPEG 2000": bool(features.check("jpg_2000")),
        "GIF": True,
        "BMP": True,
        "PPM": True,
    }


@contextmanager
def _opened(data: bytes) -> Iterator[ImageFile.ImageFile]:
    """Open a picture and turn whatever decoding it raises into a PictureError."""
    announced = sniff(data[:HEAD_BYTES])
    formats: tuple[str, ...] = _FORMATS
    if announced == "HEIF":
        _register_heif()
        formats = ("HEIF", *formats)
    try:
        with Image.open(io.BytesIO(data), formats=formats) as image:
            yield image
    except Image.DecompressionBombError as error:
        raise PictureError(FailureKind.TOO_LARGE, _one_line(error)) from error
    except MemoryError as error:
        raise PictureError(FailureKind.TOO_LARGE, "not enough memory to decode it") from error
    except Exception as error:
        # Decoders raise whatever they like on broken data: OSError, SyntaxError, struct.error, ...
        message = _one_line(error)
        if announced is None:
            kind, message = FailureKind.NOT_A_PICTURE, "the content is no known picture format"
        elif isinstance(error, UnidentifiedImageError):
            kind, message = FailureKind.CORRUPT, f"begins as {announced}, but can't be opened"
        elif "truncated" in message.lower() or isinstance(error, EOFError):
            kind = FailureKind.TRUNCATED
        else:
            kind = FailureKind.CORRUPT
        raise PictureError(kind, message) from error


def _draft(image: Image.Image, preprocessing: Preprocessing) -> None:
    """Let a JPEG be decoded at the smallest of its scales that still holds enough pixels."""
    # Twice what is needed: JPEG's own scaling is coarse, and costs no less when it does it all.
    side = round(2 * preprocessing.size / preprocessing.crop_fraction)
    image.draft(None, (side, side))


def _takes_much_memory(image: Image.Image) -> bool:
    return image.width * image.height > _LARGE_PIXELS


def _alone_if_large(image: Image.Image) -> AbstractContextManager[object]:
    """Return what to hold while a picture is decoded: the lock if it takes much memory."""
    return _large_picture if _takes_much_memory(image) else nullcontext()


@cache
def _register_heif() -> None:
    from pillow_heif import register_heif_opener

    register_heif_opener()


def _scalable(image: Image.Image) -> Image.Image:
    """Return the loaded picture as 8-bit L, RGB or RGBA, which scale without artefacts."""
    image.load()
    if image.mode in {"L", "RGB", "RGBA"} and "transparency" not in image.info:
        return image
    if image.mode.startswith("I") or image.mode == "F":
        return _to_8_bit(image)
    has_alpha = image.has_transparency_data
    return image.convert("RGBA" if has_alpha else "RGB")


def _to_8_bit(image: Image.Image) -> Image.Image:
    """Scale 16-bit, 32-bit and float greys to 0..255."""
    values = np.asarray(image, dtype=np.float32)
    if image.mode == "F":
        values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
        low, high = float(values.min()), float(values.max())
        if low >= 0 and high <= 1:
            low, high = 0.0, 1.0
        elif low >= 0 and high <= 255:
            low, high = 0.0, 255.0
    else:
        low, high = 0.0, 65535.0 if values.max() <= 65535 else float(values.max())
    scaled = (values - low) * (255.0 / max(high - low, 1e-12))
    return Image.fromarray(np.clip(scaled + 0.5, 0, 255).astype(np.uint8))


def _upright_rgb(small: Image.Image, source: Image.Image) -> Image.Image:
    """Lay a scaled picture over white and turn it as the source's EXIF orientation says."""
    if small.mode == "RGBA":
        small = Image.alpha_composite(Image.new("RGBA", small.size, "white"), small)
    try:
        orientation = source.getexif().get(_ORIENTATION_TAG)
    except Exception:  # noqa: BLE001 - broken metadata must not cost a sound picture
        orientation = None
    transpose = _TRANSPOSE.get(orientation or 1)
    if transpose is not None:
        small = small.transpose(transpose)
    return small.convert("RGB")


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
