"""Every kind of pixel ends as 8-bit RGB over white."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.images.samples import (
    CENTRE,
    SIDE,
    Bytes,
    centre,
    colours,
    difference,
    encoded,
    pixels,
    png,
)


def greys() -> Bytes:
    return np.asarray(colours().convert("L"))


def grey_centre(values: Bytes) -> Bytes:
    return np.repeat(values[CENTRE, CENTRE, None], 3, axis=2)


def over_white(rgb: Bytes, alpha: Bytes) -> Bytes:
    """Lay colours over white, pixel by pixel as the definition says."""
    share = alpha[..., None] / 255
    return np.rint(rgb * share + 255 * (1 - share)).astype(np.uint8)[CENTRE, CENTRE]


def grey_16_pgm(maximum: int) -> bytes:
    values = np.rint(greys() * (maximum / 255)).astype(">u2").tobytes()
    return b"P5 %d %d %d\n" % (SIDE, SIDE, maximum) + bytes(values)


def grey_16(kind: str) -> Image.Image:
    dtype = ">u2" if kind.endswith("B") else "<u2"
    return Image.frombytes(kind, (SIDE, SIDE), (greys().astype(int) * 257).astype(dtype).tobytes())


def grey_32(factor: int) -> Image.Image:
    return Image.fromarray(greys().astype(np.int32) * factor)


GREYS: dict[str, Callable[[], bytes]] = {
    "8-bit PNG": lambda: encoded(Image.fromarray(greys()), "PNG"),
    "16-bit PNG": lambda: encoded(grey_16("I;16"), "PNG"),
    "16-bit TIFF": lambda: encoded(grey_16("I;16"), "TIFF"),
    "16-bit big-endian TIFF": lambda: encoded(grey_16("I;16B"), "TIFF"),
    "16-bit JPEG 2000": lambda: encoded(grey_16("I;16"), "JPEG2000"),
    "16-bit PGM": lambda: grey_16_pgm(65535),
    "10-bit PGM": lambda: grey_16_pgm(1023),
    "32-bit TIFF of 16-bit values": lambda: encoded(grey_32(257), "TIFF"),
    "32-bit TIFF": lambda: encoded(grey_32(8_000_000), "TIFF"),
}


@pytest.mark.parametrize("name", GREYS)
def test_greys_of_any_depth(name: str) -> None:
    expected = grey_centre(greys())
    decoded = pixels(GREYS[name]())
    if name == "32-bit TIFF":  # its own maximum becomes white
        expected = np.rint(expected * (255 / greys().max())).astype(np.uint8)
    rounding = 1 if name in {"10-bit PGM", "32-bit TIFF"} else 0
    assert np.abs(decoded.astype(int) - expected.astype(int)).max() <= rounding


@pytest.mark.parametrize(
    ("low", "high", "stays"), [(0.0, 1.0, True), (0.0, 255.0, True), (-4.0, 9.0, False)]
)
def test_float_tiff(low: float, high: float, stays: bool) -> None:
    """Values in 0..1 or 0..255 keep their brightness; others are stretched to their range."""
    share = greys().astype(np.float32) / 255
    if not stays:
        share = (share - share.min()) / np.ptp(share)
    data = encoded(Image.fromarray(low + share * (high - low)), "TIFF")
    expected = grey_centre(np.rint(share * 255).astype(np.uint8))
    assert np.abs(pixels(data).astype(int) - expected.astype(int)).max() <= 1


def test_float_tiff_with_holes() -> None:
    values = greys().astype(np.float32) / 255
    values[:20] = np.nan
    values[-20:] = np.inf
    decoded = pixels(encoded(Image.fromarray(values), "TIFF"))
    np.testing.assert_array_equal(decoded[:4], 0)
    np.testing.assert_array_equal(decoded[-4:], 0)
    assert difference(decoded[4:-4], grey_centre(greys())[4:-4]) <= 1


def test_16_bit_colour_png() -> None:
    values = np.asarray(colours()).astype(">u2") * 257
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    assert difference(pixels(png(SIDE, SIDE, rows, depth=16)), centre(colours())) < 1


def test_cmyk_jpeg() -> None:
    data = encoded(colours().convert("CMYK"), "JPEG", quality=95)
    assert difference(pixels(data), centre(colours())) < 3


@pytest.mark.parametrize("form", ["PNG", "TIFF", "BMP", "PPM", "GIF"])
def test_one_bit(form: str) -> None:
    image = colours().convert("1")
    np.testing.assert_array_equal(pixels(encoded(image, form)), centre(image))


@pytest.mark.parametrize("form", ["PNG", "TIFF", "BMP", "GIF"])
def test_palette(form: str) -> None:
    image = colours().quantize(64)
    np.testing.assert_array_equal(pixels(encoded(image, form)), centre(image))


def test_palette_with_one_transparent_colour() -> None:
    image = colours().quantize(8)
    clear = int(np.bincount(np.asarray(image).ravel()).argmax())
    alpha = np.where(np.asarray(image) == clear, 0, 255).astype(np.uint8)
    expected = over_white(np.asarray(image.convert("RGB")), alpha)
    for form in ("PNG", "GIF"):
        np.testing.assert_array_equal(pixels(encoded(image, form, transparency=clear)), expected)


def test_palette_with_an_alpha_for_each_colour() -> None:
    image = colours().quantize(8)
    alphas = np.linspace(0, 255, 8, dtype=np.uint8)
    data = encoded(image, "PNG", transparency=alphas.tobytes())
    expected = over_white(np.asarray(image.convert("RGB")), alphas[np.asarray(image)])
    assert np.abs(pixels(data).astype(int) - expected.astype(int)).max() <= 2


def alpha_ramp() -> Bytes:
    return np.tile(np.arange(SIDE, dtype=np.uint8), (SIDE, 1))


@pytest.mark.parametrize("form", ["PNG", "TIFF", "WEBP", "JPEG2000", "AVIF", "HEIF"])
def test_alpha_is_laid_over_white(form: str) -> None:
    image = colours()
    image.putalpha(Image.fromarray(alpha_ramp()))
    options: dict[str, Any] = {"lossless": True} if form == "WEBP" else {"quality": 95}
    decoded = pixels(encoded(image, form, **options))
    assert difference(decoded, over_white(np.asarray(colours()), alpha_ramp())) < 3


def test_grey_with_alpha_is_laid_over_white() -> None:
    image = Image.merge("LA", [Image.fromarray(greys()), Image.fromarray(alpha_ramp())])
    expected = over_white(np.repeat(greys()[..., None], 3, axis=2), alpha_ramp())
    assert difference(pixels(encoded(image, "PNG")), expected) < 1


@pytest.mark.parametrize(("mode", "clear"), [("1", 0), ("L", 7), ("RGB", (7, 8, 9))])
def test_a_transparent_colour_is_white(mode: str, clear: Any) -> None:
    image = Image.new(mode, (SIDE, SIDE), clear)
    assert (pixels(encoded(image, "PNG", transparency=clear)) == 255).all()
    assert (pixels(encoded(image, "PNG")) < 255).all()


def test_colours_of_transparent_pixels_do_not_bleed() -> None:
    values = np.zeros((600, 600, 4), dtype=np.uint8)
    values[..., 0] = 255  # red that nobody sees
    values[200:400, 200:400] = (0, 0, 0, 255)
    decoded = pixels(encoded(Image.fromarray(values), "PNG")).astype(int)
    assert np.abs(decoded[..., 0] - decoded[..., 1]).max() <= 1
