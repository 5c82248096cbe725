"""What the ways share in putting files back."""

import os
from contextlib import suppress
from enum import Enum
from pathlib import Path

from simsearch.actions.journal import Act
from simsearch.actions.looking import SkipError, look, same_entry
from simsearch.actions.moving import (
    copy_checked,
    is_placeholder,
    make_folders,
    missing_folders,
    move_new,
    remove_leftover,
    rename_new,
    set_metadata,
)


class Place(Enum):
    """What is at a path."""

    NOTHING = "nothing"
    FILE = "the file"
    OTHER = "something else"


def what_is_at(path: Path, content_hash: str) -> Place:
    """Tell whether a path is free, has the file with these bytes, or something else."""
    if not os.path.lexists(path):
        return Place.NOTHING
    try:
        look(path, content_hash)
    except SkipError:
        return Place.OTHER
    return Place.FILE


def move_back(act: Act) -> bool:
    """Move a file back from its target, see `ways`; forget what a killed move left behind."""
    assert act.target is not None  # noqa: S101 - it was moved
    for place, other in ((act.source, act.target), (act.target, act.source)):
        # With the file at the other place, this one is none that was empty from the beginning.
        if (
            is_placeholder(place, act.temporary)
            and what_is_at(other, act.content_hash) is Place.FILE
        ):
            place.unlink()
    at_source = what_is_at(act.source, act.content_hash)
    if os.path.lexists(act.target) and at_source is not Place.FILE:
        _check_free(act, f"the file stays at '{act.target}'")
        _check_equal(act.target, act.content_hash)
        _make_way(act)
        if act.target.lstat().st_dev == act.source.parent.stat().st_dev:
            set_metadata(act.target, act.mode, act.mtime_ns)
        move_new(act.target, act.source, act.temporary, act.content_hash, act.mode, act.mtime_ns)
    elif at_source is Place.NOTHING:
        raise SkipError(f"is missing, and so is '{act.target}'")
    else:
        _remove_second(act)
    _tidy(act)
    return at_source is Place.NOTHING


def copy_back(act: Act) -> bool:
    """Make a file that is gone again from the kept file with the same bytes, see `ways`."""
    if is_placeholder(act.source, act.temporary):
        act.source.unlink()
    at_source = what_is_at(act.source, act.content_hash)
    if at_source is Place.FILE:
        remove_leftover(act.source.with_name(act.temporary))
        return False
    _check_free(act, "it is left")
    if not act.restorable:
        raise SkipError("was deleted, and no kept file had the same bytes")
    _check_equal(act.kept, act.content_hash)
    _make_way(act)
    copy = act.source.with_name(act.temporary)
    copy_checked(act.kept, copy, act.content_hash, act.mode, act.mtime_ns)
    try:
        rename_new(copy, act.source, act.temporary)
    except OSError:
        remove_leftover(copy)
        raise
    return True


def _check_free(act: Act, consequence: str) -> None:
    if os.path.lexists(act.source):
        raise SkipError(f"something else is at its place now; {consequence}")


def _check_equal(path: Path, content_hash: str) -> None:
    try:
        look(path, content_hash)
    except SkipError as error:
        raise SkipError(f"can't be put back: '{path}' {error}") from error


def _make_way(act: Act) -> None:
    """Make the folder that the file goes back to, and remove what a killed undo left in there."""
    make_folders(missing_folders(act.source.parent))
    remove_leftover(act.source.with_name(act.temporary))


def _remove_second(act: Act) -> None:
    """The file never left its place: remove what a killed move made of it elsewhere."""
    assert act.target is not None  # noqa: S101 - it was to be moved
    if what_is_at(act.target, act.content_hash) is Place.FILE:
        if same_entry(act.source, act.target):
            return  # the one folder is a link to the other by now
        act.target.unlink()
    remove_leftover(act.source.with_name(act.temporary))


def _tidy(act: Act) -> None:
    """Remove what was made for a move and is of no use any more."""
    assert act.target is not None  # noqa: S101 - it was moved
    remove_leftover(act.target.with_name(act.temporary))
    if act.info is not None and not os.path.lexists(act.target):
        remove_leftover(act.info)
    for folder in reversed(act.made):
        with suppress(OSError):
            folder.rmdir()  # fails where somebody put something in
