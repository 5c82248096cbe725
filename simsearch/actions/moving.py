"""Give files other places, so that no byte is ever overwritten or lost."""

import errno
import os
import secrets
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from stat import S_IMODE, S_ISREG

from simsearch.actions.looking import Found, SkipError, look

# What file systems without hard links answer, and those that forbid or limit them.
_NO_LINKS = {errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EMLINK}
_NO_FLUSH = {errno.EINVAL, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EACCES, errno.EBADF}
_TEMPORARY = ".simsearch-{}.tmp"
_BLOCK = 1 << 20


def new_temporary() -> str:
    """Return a name for a file in the making."""
    return _TEMPORARY.format(secrets.token_hex(8))


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


def rename_new(source: Path, target: Path, temporary: str) -> None:
    """Give a file another name on its file system, never one that is taken, not even in a race.

    Where there are no hard links, an empty file holds the name for a moment, and one named
    `temporary` beside it tells that it is ours; `is_placeholder` knows it.

    Raises:
        FileExistsError: the name is taken.
        OSError: with EXDEV, it is another file system. The source stays in any case.
    """
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        _rename_over_placeholder(source, target, temporary)
        return
    _unlink_moved(source, target)


def is_placeholder(path: Path, temporary: str) -> bool:
    """Tell whether a file holds a name for a move that was killed, see `rename_new`."""
    return os.path.lexists(path.with_name(temporary)) and _is_empty_file(path)


def move_new(
    source: Path,
    target: Path,
    temporary: str,
    content_hash: str,
    mode: int | None = None,
    mtime_ns: int | None = None,
) -> None:
    """Move a file to a name that is free, also to another file system.

    There it is copied to `temporary` in the target's folder, flushed and read again before it gets
    its name; only then the source goes. Mode and time are for the copy, see `copy_checked`.

    Raises:
        OSError: FileExistsError where the name is taken by now; the source stays in any case.
        SkipError: the bytes changed while they were copied.
    """
    if source.lstat().st_dev == target.parent.stat().st_dev:
        try:
            rename_new(source, target, temporary)
        except OSError as error:
            if error.errno != errno.EXDEV:  # a bind mount of one file system is as another
                raise
        else:
            return
    copied = Found(source, content_hash, source.lstat())
    copy = target.with_name(temporary)
    copy_checked(source, copy, content_hash, mode, mtime_ns)
    try:
        copied.check_unchanged()
        rename_new(copy, target, temporary)
    except (OSError, SkipError):
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
    """Copy a file to a free name, flush and verify it.

    It gets the mode and time of last change given; without, those of the source as far as its file
    system can have them.

    Raises:
        OSError: the copy can't be made; nothing is left of it.
        SkipError: the copy's bytes are others; nothing is left of it.
    """
    with source.open("rb") as reading, open(copy, "xb", opener=_open_private) as writing:
        try:
            shutil.copyfileobj(reading, writing, _BLOCK)
            writing.flush()
            with suppress(OSError):  # a FAT stick takes no modes; the log has them
                shutil.copystat(source, copy)
            set_metadata(copy, mode, mtime_ns)
            os.fsync(writing.fileno())
            look(copy, content_hash)
        except BaseException:
            remove_leftover(copy)
            raise


def set_metadata(path: Path, mode: int | None, mtime_ns: int | None) -> None:
    """Set mode and time of last change where they are given and differ."""
    now = path.stat()
    if mtime_ns is not None and now.st_mtime_ns != mtime_ns:
        os.utime(path, ns=(now.st_atime_ns, mtime_ns))
    if mode is not None and S_IMODE(now.st_mode) != mode:
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


def _rename_over_placeholder(source: Path, target: Path, temporary: str) -> None:
    mark = target.with_name(temporary)
    if mark != source:
        mark.touch(exist_ok=False)
    try:
        target.touch(exist_ok=False)
        source.replace(target)
    except OSError as error:
        is_ours = not isinstance(error, FileExistsError) and _is_empty_file(target)
        if is_ours and os.path.lexists(source):
            target.unlink()  # where this fails the mark stays, and tells undo
        raise
    finally:
        if mark != source and not is_placeholder(target, temporary):
            remove_leftover(mark)


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


def _is_empty_file(path: Path) -> bool:
    try:
        stat = path.lstat()
    except OSError:
        return False
    return S_ISREG(stat.st_mode) and stat.st_size == 0


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)  # until it has the mode of the file it is a copy of
