"""Look at files: is it the one that is meant, with its bytes, and is it one with another."""

import unicodedata
from dataclasses import dataclass
from os import stat_result
from pathlib import Path
from stat import S_ISLNK, S_ISREG

from simsearch.digest import file_digest


class SkipError(Exception):
    """A file is left alone; the message says why. It never leaves this package."""


@dataclass(frozen=True, slots=True)
class Found:
    """A regular file that had the expected bytes a moment ago.

    Attributes:
        content_hash: SHA-256 of its bytes, hexadecimal.
        stat: of the file itself, not of what a link points to.
    """

    path: Path
    content_hash: str
    stat: stat_result

    def check_unchanged(self) -> None:
        """Raise SkipError if the file is another one than when its bytes were read."""
        if _signature(_lstat(self.path)) != _signature(self.stat):
            raise SkipError("is being changed by another program")


def look(path: Path, content_hash: str) -> Found:
    """Return a file if it is a regular one with these bytes.

    Raises:
        SkipError: it is missing, no regular file, unreadable, or has other bytes.
    """
    before = _lstat(path)
    if S_ISLNK(before.st_mode):
        raise SkipError("is a symbolic link now")
    if not S_ISREG(before.st_mode):
        raise SkipError("is no regular file")
    try:
        digest = file_digest(path)
    except OSError as error:
        raise SkipError(f"can't be read: {reason_of(error)}") from error
    if digest != content_hash:
        raise SkipError("has changed: its bytes are others now")
    found = Found(path, digest, before)
    found.check_unchanged()
    return found


def same_entry(a: Path, b: Path) -> bool:
    """Tell whether two paths that exist are one name of one file: deleting one deletes the other.

    So it is with a folder reached through a link or a bind mount, and with names that differ in
    case where case does not count. Two hard links are two names.
    """
    first, second = a.lstat(), b.lstat()
    if (first.st_dev, first.st_ino) != (second.st_dev, second.st_ino):
        return False
    if first.st_nlink == 1:
        return True
    return _folded(a.name) == _folded(b.name) and a.parent.samefile(b.parent)


def reason_of(error: OSError) -> str:
    """Return the system's reason for people."""
    return error.strerror or str(error)


def _lstat(path: Path) -> stat_result:
    try:
        return path.lstat()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise SkipError("is missing") from error
    except OSError as error:
        raise SkipError(f"can't be read: {reason_of(error)}") from error


def _signature(stat: stat_result) -> tuple[int, ...]:
    return stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_mode


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
