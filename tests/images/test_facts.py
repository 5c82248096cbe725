"""What is told of a file: colours, and what a camera wrote."""

import io

import pytest
from PIL import Image

from simsearch.images.facts import has_camera_metadata, has_colour
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


def test_colours() -> None:
    coloured = picture(1)
    assert has_colour(jpeg())
    for grey in (
        coloured.convert("L"),
        coloured.convert("L").convert("RGB"),
        coloured.convert("1"),
    ):
        for form in ("PNG", "TIFF"):
            buffer = io.BytesIO()
            grey.save(buffer, form)
            assert not has_colour(buffer.getvalue())
    assert not has_colour(b"no picture")


def test_a_few_coloured_pixels_are_colour_and_the_noise_of_jpeg_is_none() -> None:
    grey = picture(1, 200, 200).convert("L").convert("RGB")
    buffer = io.BytesIO()
    grey.save(buffer, "JPEG", quality=30)
    assert not has_colour(buffer.getvalue())
    grey.paste((200, 20, 20), (0, 0, 60, 60))
    buffer = io.BytesIO()
    grey.save(buffer, "JPEG")
    assert has_colour(buffer.getvalue())
