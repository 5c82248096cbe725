"""The log of an apply: a line before each act, on disk before the act begins, so that undo knows.

One JSON object a line: a header, then `{"act": NUMBER, ...}` before an act, `{"done": NUMBER}`
after it, `{"taken": NUMBER}` where another program had taken the new name and nothing was done.
"""

import json
import os
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

from simsearch.actions.files import flush_folder, new_temporary, reason_of, rename_new
from simsearch.errors import InputError, StorageError

_VERSION = 1
_PATHS = {"source", "kept", "target", "info"}


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

    def taken(self, number: int) -> None:
        """Write down that the act's new name was taken by another program."""
        self._append({"taken": number})

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
            "version": _VERSION,
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
                rename_new(temporary, name)
            except FileExistsError:
                continue
            flush_folder(name.parent)
            return name
        raise InputError(f"log '{self._asked}' exists; choose another --log")


@dataclass(frozen=True, slots=True)
class Log:
    """What a log says: how files were dropped, and the acts that may have happened, in order."""

    way: str
    acts: list[Act]


def read_log(path: Path) -> Log:
    """Return what a log says; a last line that a kill cut short is left out.

    Raises:
        InputError: it can't be read, is no log, is damaged, or a newer simsearch wrote it.
    """
    entries = _entries(path)
    header = entries[0] if entries else {}
    if header.get("simsearch") != "apply":
        raise InputError(f"'{path}' is no log of simsearch apply; give the one it named")
    if header.get("version") != _VERSION:
        raise InputError(f"'{path}' was written by a newer simsearch; update simsearch to undo it")
    acts: dict[int, Act] = {}
    for line, entry in enumerate(entries[1:], start=2):
        try:
            if "act" in entry:
                acts[int(entry["act"])] = _act(entry)
            elif "taken" in entry:
                del acts[int(entry["taken"])]
            elif int(entry["done"]) not in acts:
                raise _damaged(path, line)
        except (KeyError, TypeError, ValueError) as error:
            raise _damaged(path, line) from error
    return Log(str(header.get("way")), list(acts.values()))


def _entries(path: Path) -> list[dict[str, Any]]:
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise InputError(
            f"can't read the log '{path}': {reason_of(error)}; give the one that apply named"
        ) from error
    entries = []
    for number, line in enumerate(lines, start=1):
        try:
            entry = json.loads(line)
        except ValueError as error:
            if number == len(lines):
                break  # empty, or cut short by a kill: its act had not begun
            raise _damaged(path, number) from error
        if not isinstance(entry, dict):
            raise _damaged(path, number)
        entries.append(entry)
    return entries


def _act(entry: dict[str, Any]) -> Act:
    values: dict[str, Any] = {}
    for field in fields(Act):
        value = entry[field.name]
        if field.name == "made":
            value = tuple(map(_absolute, value))
        elif field.name in _PATHS and value is not None:
            value = _absolute(value)
        values[field.name] = value
    if Path(values["temporary"]).name != values["temporary"]:
        raise ValueError("a temporary name is no path")
    return Act(**values)


def _open_existing(path: str, flags: int) -> int:
    return os.open(path, flags & ~os.O_CREAT)  # one that was deleted must not start anew, headless


def _absolute(text: str) -> Path:
    path = Path(text)
    if not path.is_absolute():
        raise ValueError("paths in a log are absolute")
    return path


def _line(entry: dict[str, Any]) -> str:
    return json.dumps(entry, default=str) + "\n"


def _damaged(path: Path, line: int) -> InputError:
    return InputError(f"log '{path}', line {line} is damaged; delete it to put back the others")
