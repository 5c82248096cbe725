"""--delete: delete dropped files; only those with the bytes of a kept file can come back."""

from collections.abc import Sequence
from pathlib import Path

from simsearch.actions.journal import Act
from simsearch.actions.looking import Found
from simsearch.actions.preparing import describe
from simsearch.actions.restoring import copy_back

PAST = "deleted"
put_back = copy_back


def open_way(paths: Sequence[str], folder: Path | None) -> "Delete":  # noqa: ARG001 - see ways
    """Return the way."""
    return Delete()


class Delete:
    """Deletes files."""

    def prepare(self, file: Found, group: int, kept: list[Found]) -> Act:
        """Note which kept file it could be made from again."""
        return describe(file, group, kept)

    def perform(self, act: Act) -> None:
        """Delete the file."""
        act.source.unlink()
