"""Walk folders and list their files, in a fixed order, without following loops."""

import os
import stat
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from itertools import accumulate
from pathlib import Path

from simsearch.config import Selection
from simsearch.errors import FailureKind, FolderError
from simsearch.images.formats import HEAD_BYTES, has_picture_suffix, sniff
from simsearch.records import Failure, FoundFile, is_below, join_path


def resolve_folder(folder: str | os.PathLike[str]) -> str:
    """Return the absolute path of an existing, readable folder.

    Raises:
        FolderError: there is no such folder, it is a file, or it can't be read.
    """
    shown = os.fspath(folder)
    try:
        path = Path(folder).expanduser()
        found = path.exists()
    except (OSError, RuntimeError) as error:  # a name too long, a user that there is not
        raise FolderError(f"folder '{shown}' can't be found: {error}") from error
    if not found:
        raise FolderError(f"folder '{shown}' does not exist; check the spelling")
    if not path.is_dir():
        raise FolderError(f"'{shown}' is a file; give the folder that holds it")
    if not os.access(path, os.R_OK | os.X_OK):
        raise FolderError(f"folder '{shown}' can't be read; check its permissions")
    return str(path.resolve())


def discover(roots: Sequence[str], selection: Selection) -> Iterator[FoundFile | Failure]:
    """Yield every selected regular file below the absolute folders `roots`, each path once.

    Folders are read in the order of their names. A symbolic link to something inside the roots is
    passed over where that is met under its own name; other linked folders come last, each once, so
    a loop ends. A folder that can't be read, or a broken link with a picture's suffix, is yielded
    as a Failure.
    """
    visited: set[tuple[int, int]] = set()
    for root in roots:
        pending, linked = [""], list[str]()
        while pending or linked:
            folder = pending.pop() if pending else linked.pop(0)
            if not _enter(root, folder, visited):
                continue
            try:
                entries = _list(root, folder, selection, roots)
            except OSError as error:
                yield Failure(root, folder, FailureKind.UNREADABLE, _reason(error))
                continue
            below: list[str] = []
            for path, entry in entries:
                if _is_folder(entry):
                    (linked if entry.is_symlink() else below).append(path)
                elif not selection.include or _matches_any(path, selection.include):
                    found = _inspect(root, path, entry)
                    if found is not None:
                        yield found
            pending += reversed(below)


def is_candidate(file: FoundFile) -> bool:
    """Tell whether a file claims to be a picture: by its suffix, else by its first bytes."""
    if has_picture_suffix(file.path):
        return True
    try:
        with Path(file.full_path).open("rb") as stream:
            return sniff(stream.read(HEAD_BYTES)) is not None
    except OSError:
        return False  # no suffix of a picture and not readable: nothing says that it is one


def _list(
    root: str, folder: str, selection: Selection, roots: Sequence[str]
) -> list[tuple[str, os.DirEntry[str]]]:
    """Return (path below root, entry) of what a folder holds, by name, less what is left out."""
    with os.scandir(join_path(root, folder)) as scan:
        entries = sorted(scan, key=lambda entry: entry.name)
    named = ((f"{folder}/{entry.name}" if folder else entry.name, entry) for entry in entries)
    return [
        (path, entry)
        for path, entry in named
        if (selection.hidden or not entry.name.startswith("."))
        and not _matches_any(path, selection.exclude)
        and not (entry.is_symlink() and _met_directly(root, path, selection, roots))
    ]


def _enter(root: str, folder: str, visited: set[tuple[int, int]]) -> bool:
    """Mark a folder as visited by device and inode; return False if it already was."""
    try:
        status = Path(join_path(root, folder)).stat()
    except OSError:
        return True  # let scandir report the reason
    key = (status.st_dev, status.st_ino)
    if key in visited:
        return False
    visited.add(key)
    return True


def _met_directly(root: str, path: str, selection: Selection, roots: Sequence[str]) -> bool:
    """Tell whether a link leads to something inside the roots that is met under its own name."""
    target = os.path.realpath(join_path(root, path))
    around = [other for other in roots if is_below(target, other)]
    if not around or not os.path.exists(target):  # noqa: PTH110 - Path.exists raises if forbidden
        return False
    is_file = not Path(target).is_dir()
    return any(
        _selected(target.removeprefix(other).strip("/"), is_file, selection) for other in around
    )


def _selected(path: str, is_file: bool, selection: Selection) -> bool:
    """Tell whether a path below a root is met, and not hidden, excluded or in such a folder."""
    if not selection.hidden and any(name.startswith(".") for name in path.split("/")):
        return False
    if is_file and selection.include and not _matches_any(path, selection.include):
        return False
    prefixes = accumulate(path.split("/"), "{}/{}".format)
    return not any(_matches_any(prefix, selection.exclude) for prefix in prefixes)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False  # a link to itself, or into a folder that can't be entered


def _inspect(root: str, path: str, entry: os.DirEntry[str]) -> FoundFile | Failure | None:
    try:
        status = entry.stat()
    except OSError as error:
        if has_picture_suffix(path):
            return Failure(root, path, FailureKind.UNREADABLE, _reason(error))
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    return FoundFile(root, path, status.st_size, status.st_mtime_ns)


def _matches_any(path: str, globs: Sequence[str]) -> bool:
    parts = path.split("/")
    for glob in globs:
        wanted = glob.rstrip("/").removeprefix("./")
        if "/" in wanted:
            if fnmatchcase(path, wanted):
                return True
        elif any(fnmatchcase(part, wanted) for part in parts):
            return True
    return False


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
