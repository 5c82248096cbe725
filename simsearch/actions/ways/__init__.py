"""One file a way to get rid of a dropped file, found by its name. Each has

    PAST: what a report says was done to the files
    open_way(paths, folder) -> Opened
    put_back(act) -> whether there was something to put back

`put_back` looks at the disk: an act may have happened, half happened, or been put back before.
"""

import pkgutil
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from simsearch.actions.journal import Act
from simsearch.actions.looking import Found
from simsearch.errors import InputError


class Opened(Protocol):
    """A way, ready for the files of one plan."""

    def prepare(self, file: Found, group: int, kept: list[Found]) -> Act:
        """Decide everything about one act and touch nothing.

        Args:
            kept: the kept files of the file's group, at least one.

        Raises:
            SkipError: this file can't be treated so.
            OSError: the system refused to look.
        """
        ...

    def perform(self, act: Act) -> None:
        """Do what was prepared; killed at any moment, every byte is where `put_back` finds it.

        Raises:
            FileExistsError: another program took the new name; nothing was done.
            SkipError, OSError: it can't be done; the file is where it was.
        """
        ...


class Way(Protocol):
    """What a way's file offers."""

    PAST: str

    def open_way(self, paths: Sequence[str], folder: Path | None) -> Opened:
        """Return the way for a plan with these absolute paths.

        Raises:
            InputError: it can't be had here.
        """
        ...

    def put_back(self, act: Act) -> bool:
        """Put one file back, if it is not there; return whether there was something to do.

        Raises:
            SkipError: it can't be put back without a loss; the message says why.
            OSError: the system refused; what there was is where it was.
        """
        ...


def way_names() -> list[str]:
    """Return the names of all ways, sorted."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def load_way(name: str) -> Way:
    """Return the way of a name.

    Raises:
        InputError: there is none; the message names all.
    """
    if name not in way_names():
        raise InputError(f"there is no way '{name}' to drop files; there are {way_names()}")
    return cast(Way, import_module(f"{__name__}.{name}"))
