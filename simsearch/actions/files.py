"""Look at files, and give them other places, so that no byte is ever overwritten or lost."""

import errno
import os
import secrets
import shutil
import unicodedata
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISLNK, S_ISREG

from simsearch.digest import file_digest

# What file systems without hard links answer, and those that forbid or limit them.
_NO_LINKS = {errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EMLINK}
_NO_FLUSH = {errno.EINVAL, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EACCES, errno.EBADF}
_TEMPORARY = ".simsearch-{}.tmp"


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
    stat: os.stat_result

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


def new_temporary() -> str:
    """Return a name for a file in the making."""
    return _TEMPORARY.format(secrets.token_hex(8))


def reason_of(error: OSError) -> str:
    """Return the system's reason for people."""
    return error.strerror or str(error)


def missing_folders(folder: Path) -> tuple[Path, ...]:
    """Return which folders of a path do not exist, the outermost first."""
    missing = []
    while not os.path.lexists(folder):
        missing.append(folder)
        folder = folder.parent
    return tuple(reversed(missing))


def make_folders(folders: Sequence[Path], mode: int = 0o777) -> None:
    """Make folders, the outermost first, and flush them to disk; some may exist by now."""
    for folder in folders:
        with suppress(FileExistsError):
            folder.mkdir(mode)
        flush_folder(folder.parent)


def rename_new(source: Path, target: Path) -> None:
    """Give a file another name on its file system, never one that is taken, not even in a race.

    Raises:
        FileExistsError: the name is taken.
        OSError: with EXDEV, it is another file system. The source stays in any case.
    """
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        _rename_over_placeholder(source, target)
        return
    _unlink_moved(source, target)


def move_new(source: Path, target: Path, temporary: str, content_hash: str) -> None:
    """Move a file to a name that is free, also to another file system.

    There it is copied to `temporary` in the target's folder, flushed and read again before it gets
    its name; only then the source goes.

    Raises:
        OSError: FileExistsError where the name is taken by now; the source stays in any case.
        SkipError: the bytes changed while they were copied.
    """
    try:
        rename_new(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
    else:
        return
    copy = target.with_name(temporary)
    copy_checked(source, copy, content_hash)
    try:
        rename_new(copy, target)
    except OSError:
        remove_leftover(copy)
        raise
    _unlink_moved(source, target)


def copy_checked(
    source: Path,
    copy: Path,
    content_hash: str,
    mode: int | None = None,
    mtime_ns: int | None = None,
) -> None:
    """Copy a file to a free name, with its mode and times or those given, flush and verify it.

    Raises:
        OSError: the copy can't be made; nothing is left of it.
        SkipError: the copy's bytes are others; nothing is left of it.
    """
    with source.open("rb") as reading, open(copy, "xb", opener=_open_private) as writing:
        try:
            shutil.copyfileobj(reading, writing, 1 << 20)
            writing.flush()
            shutil.copystat(source, copy)
            set_metadata(copy, mode, mtime_ns)
            os.fsync(writing.fileno())
            look(copy, content_hash)
        except BaseException:
            remove_leftover(copy)
            raise


def set_metadata(path: Path, mode: int | None, mtime_ns: int | None) -> None:
    """Set mode and time of last change where they differ, as far as the file system can."""
    now = path.stat()
    # A file with its bytes and a wrong mode is better than no file, as on a FAT stick.
    if mtime_ns is not None and now.st_mtime_ns != mtime_ns:
        with suppress(OSError):
            os.utime(path, ns=(now.st_atime_ns, mtime_ns))
    if mode is not None and now.st_mode & 0o7777 != mode:
        with suppress(OSError):
            path.chmod(mode)


def remove_leftover(path: Path) -> None:
    """Remove a file in the making, if it is there and can be."""
    with suppress(OSError):
        path.unlink()


def flush_folder(folder: Path) -> None:
    """Make a folder's entries survive a power cut, where its file system can."""
    if os.name == "nt":
        return  # Windows can't open folders, and needs no flush of them
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except PermissionError:
        return  # one may write into a folder that one can't list
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_FLUSH:
            raise
    finally:
        os.close(descriptor)


def _rename_over_placeholder(source: Path, target: Path) -> None:
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    try:
        source.replace(target)
    except OSError:
        _take_back(source, target)
        raise


def _unlink_moved(source: Path, target: Path) -> None:
    """Take the old name away once the new one is on disk; on failure the new one goes."""
    try:
        flush_folder(target.parent)
        source.unlink(missing_ok=True)
    except OSError:
        _take_back(source, target)
        raise
    with suppress(OSError):  # the file is moved; should a power cut revive the old name, undo copes
        flush_folder(source.parent)


def _take_back(source: Path, target: Path) -> None:
    """Remove the new name, unless another program took the old one away meanwhile."""
    if os.path.lexists(source):
        remove_leftover(target)


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)  # until it has the mode of the file it is a copy of


def _lstat(path: Path) -> os.stat_result:
    try:
        return path.lstat()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise SkipError("is missing") from error
    except OSError as error:
        raise SkipError(f"can't be read: {reason_of(error)}") from error


def _signature(stat: os.stat_result) -> tuple[int, ...]:
    return stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_mode


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
