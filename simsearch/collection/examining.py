"""Read, hash and decode files, a bounded number ahead of whoever takes them.

In threads; where these are many, and files too, each has a process that decodes for it.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from simsearch.config import Preprocessing
from simsearch.errors import PictureError
from simsearch.images.decode import Picture, decode, read_file
from simsearch.images.decoders import Decoders
from simsearch.images.fingerprint import content_hash
from simsearch.records import Failure, FoundFile

Decode = Callable[[bytes], Picture]
_WINDOW = 32  # files read ahead of the encoder; bounds memory
_FEW_THREADS = 4  # hold each other up only a little
_FEW_FILES = 500  # are read sooner than a process starts


@dataclass(frozen=True, slots=True)
class Examined:
    """A file that was read: its hash, and its picture unless the content was known already."""

    file: FoundFile
    hash: str = ""
    picture: Picture | None = None
    failure: Failure | None = None


def examine_all(
    files: Iterable[FoundFile],
    preprocessing: Preprocessing,
    known: Callable[[str], bool],
    workers: int,
) -> Iterator[Examined]:
    """Read files and yield them in order; those with unknown content are decoded.

    Args:
        known: tells from a content hash whether the picture is not wanted; called in threads.
        workers: threads that read and decode.
    """
    window: deque[Future[Examined]] = deque()
    pool = ThreadPoolExecutor(workers, "decode")
    decoders = Decoders(preprocessing)
    try:
        for number, file in enumerate(files):
            apart = workers > _FEW_THREADS and number >= _FEW_FILES
            by: Decode = decoders.decode if apart else partial(decode, preprocessing=preprocessing)
            window.append(pool.submit(_examine, file, by, known))
            if len(window) >= max(_WINDOW, 2 * workers):
                yield window.popleft().result()
        while window:
            yield window.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
        decoders.close()


def _examine(file: FoundFile, by: Decode, known: Callable[[str], bool]) -> Examined:
    try:
        data = read_file(file.full_path)
        digest = content_hash(data)
        picture = None if known(digest) else by(data)
    except PictureError as error:
        failure = Failure(file.root, file.path, error.kind, str(error))
        return Examined(file, failure=failure)
    return Examined(file, digest, picture)
