"""The pictures that were enrolled: copies in the collection's own folder, a folder a class."""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from difflib import get_close_matches
from functools import partial
from pathlib import Path

from simsearch.errors import InputError
from simsearch.images.fingerprint import content_hash
from simsearch.images.formats import has_picture_suffix
from simsearch.store.files import TEMPORARY, flush, storage_errors, write_durably

FOLDER = "enrolled"
_HASH_DIGITS = 16
_log = logging.getLogger("simsearch")


def check_label(label: str) -> str:
    """Return a class name that can be a folder's.

    Raises:
        InputError: it is empty, starts with a dot, or has a separator or an unprintable character.
    """
    plain = label.isprintable() and "/" not in label and "\\" not in label
    if not label or not plain or label.startswith("."):
        raise InputError(
            f"'{label}' can't be the name of a class; it must not be empty, start with '.', "
            "or hold a '/', a '\\' or an unprintable character"
        )
    return label


def enrolled_root(folder: Path) -> str:
    """Return the absolute folder of a collection's enrolled classes, there or not."""
    return str((folder / FOLDER).resolve())


def enrolled_classes(folder: Path) -> list[str]:
    """Return the names of a collection's enrolled classes, sorted."""
    place = folder / FOLDER
    return sorted(path.name for path in place.iterdir() if path.is_dir()) if place.is_dir() else []


def roots_with_classes(folder: Path) -> list[str]:
    """Return what a collection's rebuild reads beside its folders: the root, if it has classes."""
    return [enrolled_root(folder)] if enrolled_classes(folder) else []


def find_class(folder: Path, label: str) -> Path:
    """Return the folder of an enrolled class.

    Raises:
        InputError: it was never enrolled; the message suggests the nearest.
    """
    known = enrolled_classes(folder)
    if label in known:
        return folder / FOLDER / label
    near = get_close_matches(label, known, n=1, cutoff=0.4)
    if near:
        hint = f"did you mean '{near[0]}'?"
    elif known:
        hint = f"there are: {', '.join(known)}"
    else:
        hint = "no class is; make one with: simsearch enrol NAME PHOTO"
    raise InputError(f"class '{label}' is not enrolled in '{folder.name}'; {hint}")


@contextmanager
def copied(folder: Path, label: str, pictures: Iterable[tuple[str, bytes]]) -> Iterator[list[str]]:
    """Copy pictures to their class; if the body fails, take the copies back.

    Args:
        pictures: (path as given, the file's bytes). Bytes that the class has are passed over, with
            a note.

    Yields:
        The absolute paths of the copies that were made.

    Raises:
        StorageError: the system refused to write; no copy is left.
    """
    sweep(folder)
    place = Path(enrolled_root(folder), label)
    written: list[Path] = []
    try:
        for path, data in pictures:
            stem = content_hash(data)[:_HASH_DIGITS]
            if any(place.glob(f"{stem}*")):
                _log.warning("'%s' is already enrolled as '%s'", path, label)
                continue
            suffix = Path(path).suffix.lower() if has_picture_suffix(path) else ""
            copy = place / f"{stem}{suffix}"
            write_durably(copy, partial(Path.write_bytes, data=data))
            written.append(copy)
        yield [str(copy) for copy in written]
    except Exception:
        for copy in written:
            with suppress(OSError):
                copy.unlink()
        drop(place)
        raise


def clear(place: Path) -> int:
    """Delete the pictures of a class; return how many there were.

    The empty folder stays, so that a run that is killed before the collection follows can be
    repeated; see `drop`.
    """
    count = 0
    with storage_errors(place):
        for path in place.iterdir():
            if not path.is_dir():
                path.unlink()
                count += 1
        flush(place)
    return count


def drop(place: Path) -> None:
    """Remove the folder of a class, and that of all classes, if they are empty."""
    with suppress(OSError):
        place.rmdir()
        place.parent.rmdir()


def sweep(folder: Path) -> None:
    """Remove the halves of copies that a killed run left behind."""
    for path in (folder / FOLDER).glob(f"*/*{TEMPORARY}"):
        with suppress(OSError):
            path.unlink()
