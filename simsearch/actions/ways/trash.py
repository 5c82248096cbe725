"""--trash: move dropped files to the desktop's trash, by freedesktop.org's Trash specification 1.0.

We write it ourselves, since undo has to know where each file went.
"""

import os
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from stat import S_ISDIR, S_ISVTX
from urllib.parse import quote

from simsearch.actions.journal import Act
from simsearch.actions.looking import Found, SkipError
from simsearch.actions.moving import make_folders, move_new, remove_leftover
from simsearch.actions.preparing import FreeNames, describe
from simsearch.actions.restoring import move_back
from simsearch.errors import InputError

PAST = "moved to the trash"
put_back = move_back


def open_way(paths: Sequence[str], folder: Path | None) -> "Trash":  # noqa: ARG001 - see ways
    """Return the way; raise InputError where the system's trash has no open format."""
    if sys.platform in {"win32", "cygwin"}:
        raise InputError("what goes to this system's trash can't be put back; use --to FOLDER")
    return Trash()


class Trash:
    """Moves files to the trash of their file system."""

    def __init__(self) -> None:
        self._names = FreeNames()

    def prepare(self, file: Found, group: int, kept: list[Found]) -> Act:
        """Choose the trash and a free name in it."""
        if sys.platform == "darwin":
            target = self._names.free(Path.home() / ".Trash" / file.path.name)
            return describe(file, group, kept, target=target)
        trash = trash_of(file)
        target = self._names.free(trash / "files" / file.path.name, also=_info_of)
        return describe(file, group, kept, target=target, info=_info_of(target))

    def perform(self, act: Act) -> None:
        """Write the trash's note, then move the file."""
        assert act.target is not None  # noqa: S101 - prepared above
        make_folders(act.made, mode=0o700)
        if act.info is not None:
            with act.info.open("x", encoding="ascii") as stream:
                stream.write(_info_text(act.source, act.target))
        try:
            move_new(act.source, act.target, act.temporary, act.content_hash)
        except (OSError, SkipError):
            if act.info is not None:
                remove_leftover(act.info)
            raise


def trash_of(file: Found) -> Path:
    """Return the trash for a file: the user's own, or the one at the top of its file system."""
    home = _home_trash()
    there = home
    while not there.exists():
        there = there.parent
    if there.stat().st_dev == file.stat.st_dev:
        return home
    top = _top_of(file.path)
    shared = top / ".Trash"
    if os.path.lexists(shared):
        mode = shared.lstat().st_mode
        if S_ISDIR(mode) and mode & S_ISVTX:  # the specification's guard against a planted one
            return shared / str(os.getuid())
    return top / f".Trash-{os.getuid()}"


def _home_trash() -> Path:
    data = os.environ.get("XDG_DATA_HOME", "")
    base = Path(data) if Path(data).is_absolute() else Path.home() / ".local" / "share"
    return base / "Trash"


def _top_of(path: Path) -> Path:
    folder = path.parent.resolve()
    while not folder.is_mount():
        folder = folder.parent
    return folder


def _info_of(target: Path) -> Path:
    return target.parent.parent / "info" / f"{target.name}.trashinfo"


def _info_text(source: Path, target: Path) -> str:
    """Return the note: a path from the top of the file system, or absolute in the user's trash."""
    path = source.parent.resolve() / source.name
    trash = target.parent.parent
    if trash != _home_trash():
        path = path.relative_to(_top_of(source))
    when = datetime.now().strftime("%Y-%m-%dT%H:%M:%S")
    return f"[Trash Info]\nPath={quote(os.fsencode(path))}\nDeletionDate={when}\n"
