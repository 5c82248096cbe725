"""What a camera wrote into a file."""

import io

import pytest
from PIL import Image

from simsearch.images.metadata import has_camera_metadata
from tests.conftest import picture


def jpeg(exif: Image.Exif | None = None) -> bytes:
    buffer = io.BytesIO()
    picture(1).save(buffer, "JPEG", exif=exif or Image.Exif())
    return buffer.getvalue()


@pytest.mark.parametrize("tag", [0x010F, 0x0110])
def test_a_camera_that_is_named(tag: int) -> None:
    exif = Image.Exif()
    exif[tag] = "Pentax"
    assert has_camera_metadata(jpeg(exif))


def test_a_moment_that_is_named() -> None:
    exif = Image.Exif()
    exif[0x8769] = {0x9003: "2020:02:02 20:20:02"}
    assert has_camera_metadata(jpeg(exif))


def test_none() -> None:
    other = Image.Exif()
    other[0x0112] = 6
    assert not has_camera_metadata(jpeg())
    assert not has_camera_metadata(jpeg(other))
    assert not has_camera_metadata(b"no picture")
    assert not has_camera_metadata(jpeg()[:50])
