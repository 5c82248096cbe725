"""--to FOLDER: move dropped files below a folder, in the folders that they lay in."""

import os
from collections.abc import Sequence
from pathlib import Path, PurePath

from simsearch.actions.journal import Act
from simsearch.actions.looking import Found, SkipError, same_entry
from simsearch.actions.moving import make_folders, move_new
from simsearch.actions.preparing import FreeNames, describe
from simsearch.actions.restoring import move_back
from simsearch.errors import InputError

PAST = "moved"
put_back = move_back


def open_way(paths: Sequence[str], folder: Path | None) -> "Move":
    """Return the way into `folder`; raise InputError if that can't be a folder."""
    if folder is None:
        raise InputError("moving needs a folder; give --to FOLDER")
    if os.path.lexists(folder) and not folder.is_dir():
        raise InputError(f"'{folder}' is no folder; choose another one with --to")
    return Move([Path(path) for path in paths], folder.absolute())


class Move:
    """Moves files below a folder."""

    def __init__(self, paths: Sequence[Path], folder: Path) -> None:
        self._folder = folder
        self._common = common_folder(paths)
        self._names = FreeNames()

    def prepare(self, file: Found, group: int, kept: list[Found]) -> Act:
        """Choose a free name below the folder."""
        wanted = self._folder / below(self._common, file.path)
        if os.path.lexists(wanted) and same_entry(wanted, file.path):
            raise SkipError("is already where it would be moved")
        return describe(file, group, kept, target=self._names.free(wanted))

    def perform(self, act: Act) -> None:
        """Move the file."""
        assert act.target is not None  # noqa: S101 - prepared above
        make_folders(act.made)
        move_new(act.source, act.target, act.temporary, act.content_hash)


def common_folder(paths: Sequence[PurePath]) -> PurePath | None:
    """Return the deepest folder that all paths lie in, None where they lie on several drives."""
    for folder in paths[0].parents:
        if all(path.is_relative_to(folder) for path in paths):
            return folder
    return None


def below(common: PurePath | None, path: PurePath) -> PurePath:
    """Return a path below the common folder; without one, C:\\a\\b.jpg is C\\a\\b.jpg."""
    if common is not None:
        return path.relative_to(common)
    drive = "".join(character for character in path.drive if character.isalnum())
    return type(path)(drive, *path.parts[1:])
