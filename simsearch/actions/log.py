"""Read the log of an apply, see `journal`."""

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from simsearch.actions.journal import VERSION, Act
from simsearch.actions.looking import reason_of
from simsearch.errors import InputError

_PATHS = {"source", "kept", "target", "info"}
_NUMBERS = {"group", "size", "mtime_ns", "mode", "kept_inode"}


@dataclass(frozen=True, slots=True)
class Log:
    """What a log says: how files were dropped, and the acts that may have happened, in order.

    Without an act the way may be empty.
    """

    way: str
    acts: list[Act]


def read_log(path: Path) -> Log:
    """Return what a log says; a last line that a kill cut short is left out.

    Raises:
        InputError: it can't be read, is no log, is damaged, or a newer simsearch wrote it.
    """
    entries = _entries(path)
    if not entries:
        return Log("", [])  # killed between the log's name and its header: nothing was done
    header = entries[0]
    if header.get("simsearch") != "apply":
        raise _no_log(path)
    if header.get("version") != VERSION:
        raise InputError(f"'{path}' was written by a newer simsearch; update simsearch to undo it")
    acts: dict[int, Act] = {}
    for line, entry in enumerate(entries[1:], start=2):
        try:
            if "act" in entry:
                acts[int(entry["act"])] = _act(entry)
            elif "left" in entry:
                del acts[int(entry["left"])]
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
            if number == 1 and line:
                raise _no_log(path) from error
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
        elif field.name in _NUMBERS and not isinstance(value, int):
            raise TypeError(f"{field.name} is a number")
        values[field.name] = value
    if Path(values["temporary"]).name != values["temporary"]:
        raise ValueError("a temporary name is no path")
    return Act(**values)


def _absolute(text: str) -> Path:
    path = Path(text)
    if not path.is_absolute() or "\0" in text:
        raise ValueError("paths in a log are absolute")
    return path


def _no_log(path: Path) -> InputError:
    return InputError(f"'{path}' is no log of simsearch apply; give the one that it named")


def _damaged(path: Path, line: int) -> InputError:
    return InputError(f"log '{path}', line {line} is damaged; delete it to put back the others")
