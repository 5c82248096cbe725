"""Write files so that after a crash there is the old one or the new one, never a half one."""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from simsearch.errors import StorageError

TEMPORARY = ".tmp"


def write_durably(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary neighbour of `path`, flush it to disk and rename it to `path`.

    Raises:
        StorageError: the system refused; the temporary file is gone, `path` is as it was.
    """
    temporary = path.with_name(path.name + TEMPORARY)
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            write(temporary)
            flush(temporary)
            temporary.replace(path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise
        flush(path.parent)


def flush(path: Path) -> None:
    """Make a file's content, or a folder's entries, survive a power cut."""
    if path.is_dir() and os.name == "nt":
        return  # Windows can't open folders, and needs no flush of them
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn the system's refusals to write into StorageError with a remedy."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
            remedy = "the disk is full; free some space and run it again"
        elif error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
            remedy = "no write permission; choose another place with --home"
        else:
            remedy = error.strerror or str(error)
        raise StorageError(f"can't write '{path}': {remedy}") from error
