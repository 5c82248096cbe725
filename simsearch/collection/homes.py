"""Where collections live, and which one is meant."""

import os
from difflib import get_close_matches
from pathlib import Path

from simsearch.collection.enrolling import enrolled_root
from simsearch.errors import CollectionNotFoundError, InputError
from simsearch.store.manifest import FILE, read_manifest

HOME_VARIABLE = "SIMSEARCH_HOME"


def default_home() -> Path:
    """Return $SIMSEARCH_HOME, or `indexes` in the current folder."""
    return Path(os.environ.get(HOME_VARIABLE) or "indexes")


def collection_names(home: Path) -> list[str]:
    """Return the names of the collections in `home`, sorted; none if it does not exist."""
    if not home.is_dir():
        return []
    return sorted(path.name for path in home.iterdir() if (path / FILE).is_file())


def find_collection(home: Path, name: str) -> Path:
    """Return a collection's folder.

    Raises:
        CollectionNotFoundError: there is none of that name; the message suggests the nearest.
    """
    if (home / check_name(name) / FILE).is_file():
        return home / name
    known = collection_names(home)
    near = get_close_matches(name, known, n=1, cutoff=0.4)
    if near:
        hint = f"did you mean '{near[0]}'?"
    elif known:
        hint = f"there are: {', '.join(known)}"
    else:
        hint = "make one with: simsearch index FOLDER"
    raise CollectionNotFoundError(f"no collection '{name}' in '{home}'; {hint}")


def pick_collection(home: Path) -> tuple[str, bool]:
    """Return the name of the only collection, else of the last one written, and if it was chosen.

    Raises:
        CollectionNotFoundError: there is none.
    """
    known = collection_names(home)
    if not known:
        raise CollectionNotFoundError(
            f"no collection in '{home}'; make one with: simsearch index FOLDER, or set --home"
        )
    if len(known) == 1:
        return known[0], False
    return max(known, key=lambda name: (home / name / FILE).stat().st_mtime_ns), True


def check_name(name: str) -> str:
    """Return a name that can be a folder's.

    Raises:
        InputError: it is empty, starts with a dot, or has a separator or an unprintable character.
    """
    plain = name.isprintable() and "/" not in name and "\\" not in name
    if not name or not plain or name.startswith("."):
        raise InputError(f"'{name}' can't be a collection's name; give another with --name")
    return name


def check_home(home: str | os.PathLike[str] | None) -> Path:
    """Return a folder for collections; None is the default.

    Raises:
        InputError: its name is no UTF-8, which the libraries that write there can't spell.
    """
    place = default_home() if home is None else Path(home)
    try:
        str(place.absolute()).encode()
    except UnicodeEncodeError as error:
        raise InputError(f"'{place}' is no UTF-8; choose another place with --home") from error
    return place


def taken_by_others(folder: Path, roots: list[str]) -> list[str]:
    """Return the roots of the collection in `folder` if none of them is among `roots`.

    What was enrolled lies in the collection's own folder: that is nobody's.
    """
    if not (folder / FILE).is_file():
        return []
    known = set(read_manifest(folder).roots) - {enrolled_root(folder)}
    return [] if known & set(roots) else sorted(known)
