"""--hardlink: replace dropped files by hard links to the kept file with the same bytes."""

from collections.abc import Sequence
from pathlib import Path

from simsearch.actions.journal import Act
from simsearch.actions.looking import Found, SkipError, look
from simsearch.actions.moving import copy_checked, remove_leftover
from simsearch.actions.preparing import describe
from simsearch.actions.restoring import Place, copy_back, what_is_at

PAST = "replaced by hard links"


def open_way(paths: Sequence[str], folder: Path | None) -> "Hardlink":  # noqa: ARG001 - see ways
    """Return the way."""
    return Hardlink()


class Hardlink:
    """Replaces files by links, each at one stroke."""

    def prepare(self, file: Found, group: int, kept: list[Found]) -> Act:
        """Choose the kept file to link to."""
        equal = [one for one in kept if one.content_hash == file.content_hash]
        near = [one for one in equal if one.stat.st_dev == file.stat.st_dev]
        if not equal:
            raise SkipError(f"has other bytes than the kept file '{kept[0].path}'")
        if not near:
            raise SkipError(f"is on another file system than the kept file '{equal[0].path}'")
        if any(one.stat.st_ino == file.stat.st_ino for one in near):
            raise SkipError("is a hard link to the kept file already")
        return describe(file, group, near)

    def perform(self, act: Act) -> None:
        """Link beside the file, then put the link into its place."""
        link = act.source.with_name(act.temporary)
        link.hardlink_to(act.kept)
        if link.lstat().st_ino != act.kept_inode:
            remove_leftover(link)
            raise SkipError(f"is left: the kept file '{act.kept}' is being changed")
        try:
            link.replace(act.source)
        except OSError:
            remove_leftover(link)
            raise


def put_back(act: Act) -> bool:
    """Make the file one of its own again, with the time and mode that it had."""
    copy = act.source.with_name(act.temporary)
    at_source = what_is_at(act.source, act.content_hash)
    if at_source is Place.NOTHING:
        return copy_back(act)
    if at_source is Place.OTHER:
        raise SkipError("something else is at its place now; it is left")
    remove_leftover(copy)
    linked = look(act.source, act.content_hash)
    if linked.stat.st_ino != act.kept_inode:
        return False
    copy_checked(act.source, copy, act.content_hash, act.mode, act.mtime_ns)
    try:
        linked.check_unchanged()
        copy.replace(act.source)
    except (OSError, SkipError):
        remove_leftover(copy)
        raise
    return True
