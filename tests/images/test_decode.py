"""Decoded pixels are those of the picture: its centre, upright, whatever the file's form."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from simsearch.config import Preprocessing
from simsearch.images.decode import decodable_formats, decode, thumbnail
from tests.images.samples import (
    FORMATS,
    HEIGHT,
    PREPROCESSING,
    WIDTH,
    Bytes,
    centre,
    colours,
    difference,
    encoded,
    pixels,
    sample,
    upright,
)

pytestmark = pytest.mark.filterwarnings("ignore:::PIL")


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_shows_the_same_picture(name: str) -> None:
    decoded = decode(sample(name), PREPROCESSING)
    expected = pixels(encoded(upright(), "PNG"))
    assert difference(decoded.pixels, expected) < (10 if name == "gif" else 2)
    assert (decoded.width, decoded.height) == (WIDTH, HEIGHT)
    assert decoded.format == FORMATS[name][0]


def test_every_promised_format_decodes_here() -> None:
    assert all(decodable_formats().values())


@pytest.mark.parametrize(("width", "height"), [(320, 256), (256, 320), (256, 256), (1000, 256)])
def test_the_centre_square_is_cut_out(width: int, height: int) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    left, top = (width - 224) // 2, (height - 224) // 2
    expected = noise[top : top + 224, left : left + 224]
    np.testing.assert_array_equal(pixels(encoded(Image.fromarray(noise), "PNG")), expected)


@pytest.mark.parametrize(
    "preprocessing",
    [
        Preprocessing(size=64, crop_fraction=1.0),
        Preprocessing(size=96, crop_fraction=0.5, interpolation="bilinear"),
        Preprocessing(size=300, crop_fraction=0.75, interpolation="lanczos"),
        Preprocessing(size=50, interpolation="nearest"),
    ],
)
def test_preprocessing_is_obeyed(preprocessing: Preprocessing) -> None:
    image = colours(5, 480, 400)
    side = 400 * preprocessing.crop_fraction
    left, top = (480 - side) / 2, (400 - side) / 2
    size = (preprocessing.size, preprocessing.size)
    filter_ = Image.Resampling[preprocessing.interpolation.upper()]
    expected = image.crop((int(left), int(top), int(left + side), int(top + side)))
    decoded = decode(encoded(image, "PNG"), preprocessing).pixels
    assert difference(decoded, np.asarray(expected.resize(size, filter_))) < 0.1


TO_STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.mark.parametrize("orientation", TO_STORED)
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
def test_orientation(form: str, orientation: int) -> None:
    shown = colours(7, 320, 256)
    transpose = TO_STORED[orientation]
    stored = shown if transpose is None else shown.transpose(transpose)
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(stored, form, exif=exif.tobytes(), quality=95)

    expected = np.asarray(shown)[16:240, 48:272]
    assert difference(pixels(data), expected) < 3
    small = Image.open(io.BytesIO(thumbnail(data, 64)))
    assert difference(np.asarray(small), np.asarray(shown.resize(small.size))) < 6
    with Image.open(io.BytesIO(data)) as image:
        turned = ImageOps.exif_transpose(image).convert("RGB")
    np.testing.assert_array_equal(pixels(data), pixels(encoded(turned, "PNG")))


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_is_none(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    np.testing.assert_array_equal(pixels(encoded(colours(), "PNG", exif=exif)), centre(colours()))


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("exif", [b"garbage", b"Exif\0\0", b"Exif\0\0MM\0*\xff\xff\xff\xff"])
def test_broken_metadata_does_not_cost_the_picture(form: str, exif: bytes) -> None:
    assert (
        difference(pixels(encoded(colours(), form, exif=exif, quality=95)), centre(colours())) < 3
    )


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG", "AVIF", "TIFF", "MPO"])
def test_of_several_frames_the_first_counts(form: str) -> None:
    frames = [colours(seed) for seed in range(3)]
    data = encoded(frames[0], form, save_all=True, append_images=frames[1:], quality=95)
    with Image.open(io.BytesIO(data)) as image:
        assert getattr(image, "n_frames", 1) == 3
    decoded = pixels(data)
    assert difference(decoded, centre(frames[0])) < (10 if form == "GIF" else 3)
    assert difference(decoded, centre(frames[1])) > 20


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1), (2, 3), (3, 700)])
@pytest.mark.parametrize("form", ["PNG", "JPEG", "BMP", "WEBP", "PPM"])
def test_extreme_shapes(form: str, size: tuple[int, int]) -> None:
    decoded = decode(encoded(Image.new("RGB", size, (200, 100, 50)), form), PREPROCESSING)
    assert (decoded.width, decoded.height) == size
    assert np.abs(decoded.pixels.astype(int) - (200, 100, 50)).max() <= 6


def detailed(width: int, height: int) -> Image.Image:
    """Return colour fields with noise of several sizes over them, as photographs have."""
    rng = np.random.default_rng(11)
    total = np.zeros((height, width, 3), dtype=np.float32)
    for cells, weight in ((6, 0.6), (60, 0.25), (600, 0.15)):
        coarse = Image.fromarray(rng.integers(0, 256, (cells, cells, 3), dtype=np.uint8))
        total += weight * np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC))
    return Image.fromarray(total.astype(np.uint8))


def decoded_in_full(data: bytes) -> Bytes:
    """Decode every pixel, then cut out the centre, then scale."""
    with Image.open(io.BytesIO(data)) as image:
        full = image.convert("RGB")
    side = min(full.size) * 0.875
    left, top = (full.width - side) / 2, (full.height - side) / 2
    square = full.crop((round(left), round(top), round(left + side), round(top + side)))
    return np.asarray(square.resize((224, 224), Image.Resampling.BICUBIC))


@pytest.mark.parametrize("size", [(520, 512), (1100, 1024), (2400, 2100), (700, 3000)])
def test_a_jpeg_decoded_at_a_smaller_scale_looks_the_same(size: tuple[int, int]) -> None:
    data = encoded(detailed(*size), "JPEG", quality=90)
    assert difference(pixels(data), decoded_in_full(data)) < 2.5


def blocks(values: Bytes) -> Bytes:
    """Return the mean colour of every 8 x 8 pixels: a finer texture may alias."""
    means: Bytes = np.rint(values.reshape(28, 8, 28, 8, 3).mean(axis=(1, 3))).astype(np.uint8)
    return means


def test_large_photographs_look_as_decoded_in_full(shared_data: Path) -> None:
    for path in sorted((shared_data / "photos").rglob("*.jpg"))[:300:30]:
        with Image.open(path) as image:
            data = encoded(image.convert("RGB").resize((1400, 1050)), "JPEG", quality=90)
        assert difference(blocks(pixels(data)), blocks(decoded_in_full(data))) < 2.5, path


def test_an_embedded_heic_thumbnail_changes_little() -> None:
    image = colours(2, 640, 480)
    plain, with_thumbnail = (
        pixels(encoded(image, "HEIF", quality=90, **options))
        for options in ({}, {"thumbnails": [400]})
    )
    assert difference(plain, with_thumbnail) < 3


@pytest.mark.parametrize("name", [*FORMATS, "grey", "alpha", "wide"])
@pytest.mark.parametrize("side", [48, 400])
def test_thumbnail(name: str, side: int) -> None:
    made = {
        "grey": lambda: encoded(upright().convert("L"), "PNG"),
        "alpha": lambda: encoded(Image.new("RGBA", (160, 120), (0, 0, 0, 0)), "PNG"),
        "wide": lambda: encoded(Image.new("RGB", (4000, 2)), "PNG"),
    }
    data = made[name]() if name in made else sample(name)
    with Image.open(io.BytesIO(data)) as original:
        longest = max(original.size)
    with Image.open(io.BytesIO(thumbnail(data, side))) as small:
        assert (small.format, small.mode) == ("JPEG", "RGB")
        assert max(small.size) == min(side, longest)
        if name == "alpha":
            assert np.asarray(small).min() == 255
        elif name in FORMATS:
            expected = upright().resize(small.size)
            assert difference(np.asarray(small), np.asarray(expected)) < 12


@pytest.mark.parametrize(
    ("fit", "left_edge", "right_edge", "top"),
    [
        ("crop", "green", "green", "green"),
        ("squash", "red", "blue", "green"),
        ("pad", "red", "blue", "white"),
    ],
)
def test_how_a_wide_picture_becomes_a_square(
    fit: str, left_edge: str, right_edge: str, top: str
) -> None:
    """A red, a green and a blue square side by side."""
    image = Image.new("RGB", (90, 30), "green")
    image.paste("red", (0, 0, 30, 30))
    image.paste("blue", (60, 0, 90, 30))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    preprocessing = Preprocessing(60, 1.0, "nearest", fit=fit)
    pixels = decode(buffer.getvalue(), preprocessing).pixels
    assert pixels.shape == (60, 60, 3)
    colours = {"red": (255, 0, 0), "green": (0, 128, 0), "blue": (0, 0, 255), "white": (255,) * 3}
    for (row, column), expected in {(30, 1): left_edge, (30, 58): right_edge, (2, 30): top}.items():
        assert tuple(pixels[row, column]) == colours[expected]
