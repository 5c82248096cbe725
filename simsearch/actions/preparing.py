"""What the ways share in deciding about an act."""

import os
from collections.abc import Callable
from itertools import count
from pathlib import Path
from stat import S_IMODE

from simsearch.actions.journal import Act
from simsearch.actions.looking import Found
from simsearch.actions.moving import missing_folders, new_temporary


class FreeNames:
    """Finds names that are free on disk and were not given to another file of the run."""

    def __init__(self) -> None:
        self._given: set[Path] = set()

    def free(self, wanted: Path, also: Callable[[Path], Path] | None = None) -> Path:
        """Return `wanted`, or 'name (2).jpg' beside it, and so on.

        Args:
            also: from a name to a second path that must be free too.
        """
        for number in count(1):
            name = wanted.name if number == 1 else f"{wanted.stem} ({number}){wanted.suffix}"
            path = wanted.with_name(name)
            taken = os.path.lexists(path) or (also is not None and os.path.lexists(also(path)))
            if path not in self._given and not taken:
                break
        self._given.add(path)
        return path


def describe(
    file: Found,
    group: int,
    kept: list[Found],
    target: Path | None = None,
    info: Path | None = None,
) -> Act:
    """Return the act on a file: what is known of it, and which folders its new places need."""
    equal = [one for one in kept if one.content_hash == file.content_hash]
    chosen = (equal or kept)[0]
    places = [place.parent for place in (target, info) if place is not None]
    made = dict.fromkeys(folder for place in places for folder in missing_folders(place))
    return Act(
        group=group,
        source=file.path,
        content_hash=file.content_hash,
        size=file.stat.st_size,
        mtime_ns=file.stat.st_mtime_ns,
        mode=S_IMODE(file.stat.st_mode),
        kept=chosen.path,
        kept_hash=chosen.content_hash,
        kept_inode=chosen.stat.st_ino,
        temporary=new_temporary(),
        target=target,
        info=info,
        made=tuple(made),
    )
