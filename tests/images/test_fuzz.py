"""Damaged pictures decode to something or fail as PictureError: nothing else ever comes out."""

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from simsearch.errors import PictureError
from simsearch.images.decode import decode, thumbnail
from tests.images.samples import FORMATS, PREPROCESSING, sample

pytestmark = pytest.mark.filterwarnings("ignore:::PIL")

Damage = Callable[[bytes, np.random.Generator], bytes]
CASES = 12
HEADER_BYTES = 200  # where a flipped bit does the oddest things


def truncated(data: bytes, rng: np.random.Generator) -> bytes:
    return data[: rng.integers(1, len(data))]


def flipped_anywhere(data: bytes, rng: np.random.Generator) -> bytes:
    return flipped(data, rng, len(data))


def flipped_in_the_header(data: bytes, rng: np.random.Generator) -> bytes:
    return flipped(data, rng, HEADER_BYTES)


def flipped(data: bytes, rng: np.random.Generator, end: int) -> bytes:
    """Flip 1 to 8 bits below `end`."""
    values = np.frombuffer(data, dtype=np.uint8).copy()
    for position in rng.integers(0, min(end, len(values)), rng.integers(1, 9)):
        values[position] ^= 1 << rng.integers(0, 8)
    return values.tobytes()


def blanked(data: bytes, rng: np.random.Generator) -> bytes:
    """Set a run of bytes to zero, as lost blocks of a disk are."""
    start, length = rng.integers(0, len(data)), rng.integers(1, len(data))
    return data[:start] + bytes(min(length, len(data) - start)) + data[start + length :]


@pytest.mark.parametrize("damage", [truncated, flipped_anywhere, flipped_in_the_header, blanked])
@pytest.mark.parametrize("name", FORMATS)
def test_a_damaged_picture_decodes_or_fails_in_one_line(
    name: str, damage: Damage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 2_000_000)  # damaged sizes cost time otherwise
    rng = np.random.default_rng(list(f"{name} {damage.__name__}".encode()))
    for _ in range(CASES):
        data = damage(sample(name), rng)
        try:
            picture = decode(data, PREPROCESSING)
            thumbnail(data, 100)
        except PictureError as error:
            message = str(error)
            assert message.splitlines() == [message]
        else:
            assert picture.pixels.shape == (224, 224, 3)
            assert picture.pixels.dtype == np.uint8
