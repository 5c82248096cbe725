"""Formats are told by content, and texts are not taken for pictures."""

import numpy as np
import pytest
from PIL import Image

from simsearch.images.formats import HEAD_BYTES, has_picture_suffix, sniff
from tests.images.samples import FORMATS, encoded, sample, upright


@pytest.mark.parametrize("name", FORMATS)
def test_names_every_promised_format(name: str) -> None:
    assert sniff(sample(name)[:HEAD_BYTES]) == FORMATS[name][2]


def big_endian_tiff() -> bytes:
    values = np.arange(64, dtype=">u2").reshape(8, 8)
    data = encoded(Image.frombytes("I;16B", (8, 8), values.tobytes()), "TIFF")
    assert data.startswith(b"MM")
    return data


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (big_endian_tiff(), "TIFF"),
        (b"MM\x00+" + bytes(28), "TIFF"),
        (encoded(upright().convert("L"), "PPM"), "PPM"),
        (encoded(upright().convert("1"), "PPM"), "PPM"),
        (b"P3\n# made by hand\n1 1\n255\n1 2 3\n", "PPM"),
        (b"GIF87a" + bytes(26), "GIF"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1heicmiaf", "HEIF"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf", "AVIF"),
        (b"BM" + bytes(12) + b"\x40\0\0\0" + bytes(14), "BMP"),
    ],
    ids=[
        "MM tiff",
        "MM big tiff",
        "pgm",
        "pbm",
        "text ppm",
        "gif87",
        "mif1 heic",
        "mif1 avif",
        "os2",
    ],
)
def test_names_variants(data: bytes, expected: str) -> None:
    assert sniff(data[:HEAD_BYTES]) == expected


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"P",
        b"P6",
        b"P6ix is a band, or a typo",
        b"P1 is the first point of the list",
        b"P5\tbut no number",
        b"BM",
        b"BM\x1e\0\0\0\0\0\0\0",
        b"BMW is a maker of cars in Munich",
        b"BMI is weight by height, squared.",
        b"\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41",
        b"\0\0\0\x18ftypcrx \0\0\0\1crx isom",
        b"RIFF\x24\x08\0\0WAVEfmt \x10\0\0\0\1\0\2\0",
        b"II, the second of its name, was k",
        b"GIF is how one says it",
        b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
        b"%!PS-Adobe-3.0 EPSF-3.0\n",
        b"<svg xmlns='http://www.w3.org/2000'",
        b"\xff\xfb\x90\x44\0\0\0\0",
        bytes(HEAD_BYTES),
    ],
)
def test_other_content_is_no_picture(head: bytes) -> None:
    assert sniff(head) is None


@pytest.mark.parametrize("name", FORMATS)
def test_any_shorter_head_names_the_same_or_nothing(name: str) -> None:
    heads = [sample(name)[:length] for length in range(HEAD_BYTES)]
    assert {sniff(head) for head in heads} <= {None, FORMATS[name][2]}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a/b.jpg", True),
        ("a.JPG", True),
        ("x.tar.HeIc", True),
        ("a.jpg/readme", False),
        (".jpg", False),
        ("jpg", False),
        ("a.txt", False),
        ("a.jpg.txt", False),
        ("", False),
    ],
)
def test_suffix_of_a_picture(path: str, expected: bool) -> None:
    assert has_picture_suffix(path) is expected
