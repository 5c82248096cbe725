"""What can't be decoded says so in one line, with the right kind, and does no harm."""

import os
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngImageFile

from simsearch.errors import FailureKind, PictureError
from simsearch.images import decode as module
from simsearch.images.decode import decode, read_file, thumbnail
from tests.images.samples import (
    FORMATS,
    HEIGHT,
    PREPROCESSING,
    WIDTH,
    colours,
    encoded,
    pixels,
    png,
    sample,
)

pytestmark = pytest.mark.filterwarnings("ignore:::PIL")

# Where the decoder does not say that it ran out of bytes, the kind is CORRUPT.
SAYS_TRUNCATED = ["jpeg", "progressive-jpeg", "png", "gif", "tiff", "big-tiff", "bmp", "ppm"]


def failure(data: bytes) -> PictureError:
    """Return what decoding raises, after checks that hold for every failure."""
    with pytest.raises(PictureError) as caught:
        decode(data, PREPROCESSING)
    with pytest.raises(PictureError) as caught_too:
        thumbnail(data, 64)
    assert caught.value.kind == caught_too.value.kind
    message = str(caught.value)
    assert message
    assert message.splitlines() == [message]
    return caught.value


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_truncated(name: str, share: float) -> None:
    data = sample(name)
    error = failure(data[: int(len(data) * share)])
    if name in SAYS_TRUNCATED:
        assert error.kind == FailureKind.TRUNCATED
    else:
        assert error.kind in {FailureKind.TRUNCATED, FailureKind.CORRUPT}


@pytest.mark.parametrize("name", FORMATS)
def test_only_a_beginning(name: str) -> None:
    error = failure(sample(name)[:20])
    assert error.kind in {FailureKind.TRUNCATED, FailureKind.CORRUPT}


@pytest.mark.parametrize(
    "data",
    [
        b"this is a text whose name ends in .jpg\n" * 20,
        b"BMW and its cars",
        b"P6ix",
        bytes(1000),
        bytes(range(256)) * 4,
        b"\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41" + bytes(100),
        b"%PDF-1.7\n" + bytes(100),
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    ],
)
def test_other_content_is_no_picture(data: bytes) -> None:
    error = failure(data)
    assert error.kind == FailureKind.NOT_A_PICTURE
    assert str(error) == "the content is no known picture format"


@pytest.mark.parametrize("form", ["ICO", "TGA", "PCX", "EPS", "SGI", "QOI"])
def test_formats_that_are_not_promised_are_not_tried(form: str) -> None:
    assert failure(encoded(colours(), form)).kind == FailureKind.NOT_A_PICTURE


def test_postscript_named_as_a_picture_runs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "bin" / "gs"
    fake.parent.mkdir()
    fake.write_text(f"#!/bin/sh\ntouch '{tmp_path}/was-run'\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}:{os.environ['PATH']}")
    monkeypatch.setattr("PIL.EpsImagePlugin.gs_binary", None)  # what was found out before
    failure(encoded(colours(), "EPS"))
    assert not (tmp_path / "was-run").exists()


def test_garbage_behind_a_sound_signature_is_corrupt() -> None:
    for start in (b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"II*\0"):
        assert failure(start + bytes(200)).kind in {FailureKind.CORRUPT, FailureKind.TRUNCATED}


def bombs() -> dict[str, bytes]:
    side = 60_000
    return {
        "png": png(side, side, b"\0"),
        "bmp": b"BM"
        + struct.pack("<IIIIiiHHIIiiII", 54, 0, 54, 40, side, side, 1, 24, 0, 0, 0, 0, 0, 0),
        "gif": b"GIF89a" + struct.pack("<HHBBB", side, side, 0, 0, 0) + b"\x2c" + bytes(20),
        "ppm": b"P6 60000 60000 255\n",
        "text ppm": b"P3 60000 60000 255\n1 2 3",
        "jpeg": sample("jpeg").replace(
            struct.pack(">HH", HEIGHT, WIDTH), struct.pack(">HH", side, side), 1
        ),
        "tiff": encoded(Image.new("1", (2, 2)), "TIFF", tiffinfo={256: side, 257: side}),
    }


@pytest.mark.parametrize("name", sorted(bombs()))
def test_a_decompression_bomb_is_refused(name: str) -> None:
    error = failure(bombs()[name])
    assert error.kind == FailureKind.TOO_LARGE
    assert "3600000000 pixels" in str(error)


def test_the_limit_is_twice_what_pillow_warns_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100 * 100)
    pixels(encoded(Image.new("RGB", (200, 100)), "PNG"))
    data = encoded(Image.new("RGB", (201, 100)), "PNG")
    assert failure(data).kind == FailureKind.TOO_LARGE


def test_no_memory_left_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(image: Image.Image) -> None:
        raise MemoryError

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", load)
    assert failure(sample("png")).kind == FailureKind.TOO_LARGE


def test_a_large_picture_that_fails_does_not_block_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_LARGE_PIXELS", 10)
    assert failure(sample("png")[:-2000]).kind == FailureKind.TRUNCATED
    assert pixels(sample("png")).std() > 0
    assert thumbnail(sample("png"), 64)


@pytest.mark.parametrize(("limit", "alone"), [(WIDTH * HEIGHT - 1, True), (WIDTH * HEIGHT, False)])
@pytest.mark.parametrize(
    "turn",
    [lambda data: decode(data, PREPROCESSING), lambda data: thumbnail(data, 64)],
    ids=["decode", "thumbnail"],
)
def test_large_pictures_are_decoded_one_at_a_time(
    monkeypatch: pytest.MonkeyPatch, turn: Callable[[bytes], object], limit: int, alone: bool
) -> None:
    locked: list[bool] = []
    real = PngImageFile.load

    def load(image: PngImageFile) -> object:
        locked.append(module._large_picture.locked())
        return real(image)

    monkeypatch.setattr(module, "_LARGE_PIXELS", limit)
    monkeypatch.setattr(PngImageFile, "load", load)
    turn(sample("png"))
    assert locked[0] == alone
    assert not module._large_picture.locked()


def test_reading_a_file(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"a\xff.jpg")
    path.write_bytes(b"content")
    assert read_file(str(path)) == b"content"


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("missing.jpg", FailureKind.UNREADABLE, "No such file or directory"),
        ("folder.jpg", FailureKind.UNREADABLE, "Is a directory"),
        ("link.jpg", FailureKind.UNREADABLE, "Too many levels of symbolic links"),
        ("empty.jpg", FailureKind.EMPTY, "the file has no bytes"),
        ("large.jpg", FailureKind.TOO_LARGE, "over 1 MiB"),
    ],
)
def test_what_cannot_be_read(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    kind: FailureKind,
    message: str,
) -> None:
    monkeypatch.setattr(module, "MAX_FILE_BYTES", 1 << 20)
    (tmp_path / "folder.jpg").mkdir()
    (tmp_path / "link.jpg").symlink_to("link.jpg")
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "large.jpg").write_bytes(bytes((1 << 20) + 1))
    with pytest.raises(PictureError) as caught:
        read_file(str(tmp_path / name))
    assert (caught.value.kind, str(caught.value)) == (kind, message)


def test_a_file_of_just_the_limit_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_FILE_BYTES", 1 << 20)
    (tmp_path / "a").write_bytes(bytes(1 << 20))
    assert len(read_file(str(tmp_path / "a"))) == 1 << 20
