"""The log of an apply: a line before each act, on disk before the act begins, so that undo knows.

One JSON object a line: a header, then `{"act": NUMBER, ...}` before an act, `{"done": NUMBER}`
after it, `{"left": NUMBER}` where another program came between and nothing was done.
"""

import json
import os
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

from simsearch.actions.looking import reason_of
from simsearch.actions.moving import flush_folder, new_temporary, rename_new
from simsearch.errors import InputError, StorageError

VERSION = 1


@dataclass(frozen=True, slots=True)
class Act:
    """What is about to be done to one file, and all that undoing it takes.

    Attributes:
        group: number of its group of duplicates.
        source: the file's absolute path.
        content_hash: SHA-256 of its bytes, hexadecimal; size in bytes.
        mtime_ns: time of last change, nanoseconds since 1970.
        mode: permission bits.
        kept: a kept file of the group, one with the same bytes where there is one.
        kept_hash, kept_inode: that file's SHA-256 and inode number.
        temporary: name of a file in the making, beside the source or the target.
        target: where the file goes, None if nowhere.
        info: the trash's note of the file, if it has one.
        made: folders to be made for it, the outermost first.
    """

    group: int
    source: Path
    content_hash: str
    size: int
    mtime_ns: int
    mode: int
    kept: Path
    kept_hash: str
    kept_inode: int
    temporary: str
    target: Path | None = None
    info: Path | None = None
    made: tuple[Path, ...] = ()

    @property
    def restorable(self) -> bool:
        """Whether undo can put the file back: it is somewhere, or a kept file has its bytes."""
        return self.target is not None or self.content_hash == self.kept_hash


class Journal:
    """Writes the log; the file is made with the first act, and never over another file."""

    def __init__(self, plan: Path, way: str, log: Path | None = None) -> None:
        """Raise InputError if `log` is given and exists."""
        self.path: Path | None = None
        self._plan, self._way, self._asked = plan, way, log
        self._numbers = count(1)
        if log is not None and os.path.lexists(log):
            raise InputError(f"log '{log}' exists; choose another --log")

    def begin(self, act: Act) -> int:
        """Write down what is about to be done, flush it to disk, and return its number.

        Raises:
            InputError: the log given has come to exist.
            StorageError: the system refused; nothing may be done any more.
        """
        number = next(self._numbers)
        if self.path is None:
            self.path = self._create()
        self._append({"act": number, **asdict(act)}, durably=True)
        return number

    def done(self, number: int) -> None:
        """Write down that an act is done."""
        self._append({"done": number})

    def left(self, number: int) -> None:
        """Write down that nothing was done, since another program came between."""
        self._append({"left": number})

    def _append(self, entry: dict[str, Any], durably: bool = False) -> None:
        assert self.path is not None  # noqa: S101 - begin comes first
        try:
            with open(self.path, "a", encoding="ascii", opener=_open_existing) as stream:
                stream.write(_line(entry))
                stream.flush()
                if durably:
                    os.fsync(stream.fileno())
        except OSError as error:
            raise StorageError(
                f"can't write the log '{self.path}': {reason_of(error)}; stopped; "
                f"put back what was done: simsearch undo '{self.path}'"
            ) from error

    def _create(self) -> Path:
        """Make the log with its header, under a name that is free."""
        folder = (self._asked or self._plan).absolute().parent
        temporary = folder / new_temporary()
        header = {
            "simsearch": "apply",
            "version": VERSION,
            "way": self._way,
            "plan": str(self._plan.absolute()),
            "time": datetime.now().astimezone().isoformat(timespec="seconds"),
        }
        try:
            try:
                with temporary.open("x", encoding="ascii") as stream:
                    stream.write(_line(header))
                    stream.flush()
                    os.fsync(stream.fileno())
                return self._named(temporary)
            finally:
                temporary.unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(
                f"can't write a log into '{folder}': {reason_of(error)}; nothing was done; "
                "choose another place with --log"
            ) from error

    def _named(self, temporary: Path) -> Path:
        if self._asked is not None:
            names = iter([self._asked.absolute()])
        else:
            stem = self._plan.absolute().with_suffix("")
            extras = ("" if number == 1 else f"-{number}" for number in count(1))
            names = (stem.with_name(f"{stem.name}.apply{extra}.jsonl") for extra in extras)
        for name in names:
            try:
                rename_new(temporary, name, temporary.name)
            except FileExistsError:
                continue
            flush_folder(name.parent)
            return name
        raise InputError(f"log '{self._asked}' exists; choose another --log")


def _open_existing(path: str, flags: int) -> int:
    return os.open(path, flags & ~os.O_CREAT)  # one that was deleted must not start anew, headless


def _line(entry: dict[str, Any]) -> str:
    return json.dumps(entry, default=str) + "\n"
