"""Pictures that are asked about, not indexed: read, decoded and embedded, nothing stored."""

import os
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from simsearch.config import EncoderSpec
from simsearch.errors import FailureKind, PictureError
from simsearch.images.decode import decode, read_file
from simsearch.images.fingerprint import content_hash
from simsearch.records import Failure

if TYPE_CHECKING:
    from simsearch.encoder.runtimes import Pixels, Runtime, Vectors

PathLike = str | os.PathLike[str]
Key = tuple[str, str]  # a picture's path as given, and its content hash
OnFailure = Callable[[Failure], None] | None


def read_pictures(
    pictures: Sequence[PathLike], spec: EncoderSpec, on_failure: OnFailure = None
) -> Iterator[tuple[str, bytes, "Pixels"]]:
    """Yield (path as given, the file's bytes, uint8 [size, size, 3]) of each readable picture.

    Args:
        on_failure: takes pictures that can't be read; None raises PictureError for the first.

    Raises:
        PictureError: a picture can't be read; the message names it.
    """
    for picture in pictures:
        path = os.fspath(picture)
        try:
            data = read_file(path)
            pixels = decode(data, spec.preprocessing).pixels
        except PictureError as error:
            _fail(path, error.kind, str(error), on_failure)
        else:
            yield path, data, pixels


def decode_pictures(
    pictures: Sequence[PathLike], spec: EncoderSpec, on_failure: OnFailure = None
) -> Iterator[tuple[Key, "Pixels"]]:
    """Yield ((path, content hash), pixels) of each readable picture; see `read_pictures`."""
    for path, data, pixels in read_pictures(pictures, spec, on_failure):
        yield (path, content_hash(data)), pixels


def embed_pictures(
    runtime: "Runtime",
    decoded: Iterator[tuple[Key, "Pixels"]],
    dim: int,
    on_failure: OnFailure = None,
) -> tuple[list[Key], "Vectors"]:
    """Return the keys of the pictures and their unit vectors, float32 [pictures, dim].

    Raises:
        PictureError: the encoder gave no finite vector, and there is no `on_failure`.
    """
    from simsearch.encoder.embed import embed

    keys, vectors = [], []
    for key, vector in embed(runtime, decoded):
        if np.isfinite(vector).all():
            keys.append(key)
            vectors.append(vector)
        else:
            message = "the encoder gave no finite vector"
            _fail(key[0], FailureKind.CORRUPT, message, on_failure)
    return keys, np.stack(vectors) if vectors else np.empty((0, dim), np.float32)


def unreadable(path: str, kind: str, message: str) -> str:
    """Return one line that says which picture can't be read, why, and what to do."""
    remedy = "check the path" if kind == FailureKind.UNREADABLE else "give another picture"
    return f"can't read '{path}' ({kind}): {message}; {remedy}"


def _fail(path: str, kind: FailureKind, message: str, on_failure: OnFailure) -> None:
    if on_failure is None:
        raise PictureError(kind, unreadable(path, kind, message))
    on_failure(Failure("", path, kind, message))
