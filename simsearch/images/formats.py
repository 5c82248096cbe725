"""Tell picture files from others by their first bytes."""

import re
from pathlib import PurePosixPath

HEAD_BYTES = 32  # enough for every signature below

SUFFIXES = frozenset(
    [
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".png",
        ".apng",
        ".webp",
        ".gif",
        ".tif",
        ".tiff",
        ".bmp",
        ".dib",
        ".avif",
        ".avifs",
        ".heic",
        ".heif",
        ".hif",
        ".jp2",
        ".j2k",
        ".jpf",
        ".jpx",
        ".j2c",
        ".jpc",
        ".ppm",
        ".pgm",
        ".pbm",
        ".pnm",
    ]
)

_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"II+\x00", "TIFF"),  # BigTIFF
    (b"MM\x00+", "TIFF"),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "JPEG2000"),
    (b"\xff\x4f\xff\x51", "JPEG2000"),  # bare codestream
)

_HEIF_BRANDS = frozenset(
    {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
)
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_BMP_HEADER_SIZES = frozenset(n.to_bytes(4, "little") for n in (12, 40, 52, 56, 64, 108, 124))
_PPM_START = re.compile(rb"P[1-6]\s+[0-9#]")


def sniff(head: bytes) -> str | None:
    """Name the picture format that a file's first HEAD_BYTES bytes announce, or return None."""
    for signature, name in _SIGNATURES:
        if head.startswith(signature):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head[4:8] == b"ftyp":
        return _sniff_brands(head)
    # 'BM' alone would catch texts: the four reserved bytes are zero and the header size is known.
    if head[:2] == b"BM" and head[6:10] == b"\0\0\0\0" and head[14:18] in _BMP_HEADER_SIZES:
        return "BMP"
    return "PPM" if _PPM_START.match(head) else None


def _sniff_brands(head: bytes) -> str | None:
    brands = {head[i : i + 4] for i in (8, 16, 20, 24, 28)}
    if brands & _AVIF_BRANDS:
        return "AVIF"
    return "HEIF" if brands & _HEIF_BRANDS else None


def has_picture_suffix(path: str) -> bool:
    """Tell whether a path's suffix promises a picture."""
    return PurePosixPath(path).suffix.lower() in SUFFIXES
