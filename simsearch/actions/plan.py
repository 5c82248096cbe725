"""plan.csv: what is to become of every file of every group of duplicates; a person may edit it."""

import csv
import math
import os
import re
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from enum import StrEnum
from pathlib import Path

from simsearch.actions.looking import reason_of
from simsearch.actions.moving import new_temporary, rename_new
from simsearch.actions.spreadsheet import read_table
from simsearch.errors import InputError
from simsearch.store.paths import decode_path, encode_path

_REQUIRED = ("group", "action", "path", "content_hash")
_TAKEN = "'{}' exists; delete it or choose another name"
_HASH = re.compile("[0-9a-f]{64}")


class Action(StrEnum):
    """What is to become of a file."""

    KEEP = "keep"
    DROP = "drop"
    NOT_DUPLICATE = "not-duplicate"  # does not belong to its group; it is left alone


@dataclass(frozen=True, slots=True)
class PlanRow:
    """One file of a plan; the fields are the columns, in this order.

    Attributes:
        group: number of the group of duplicates.
        action: what is to become of the file.
        path: absolute, undecodable bytes as surrogates (see os.fsdecode).
        reason: why, for people.
        score: cosine to the group's kept picture, up to 1; NaN where the cell is no number.
        kind: `exact`, `same-pixels`, `copy` or `similar`.
        size: bytes; None where the cell is no number, as for the next two.
        width, height: pixels.
        date: local time of last change, ISO 8601 to the second.
        content_hash: SHA-256 of the file's bytes, hexadecimal.
    """

    group: int
    action: Action
    path: str
    reason: str
    score: float
    kind: str
    size: int | None
    width: int | None
    height: int | None
    date: str
    content_hash: str


COLUMNS = tuple(field.name for field in fields(PlanRow))


def read_plan(path: Path) -> list[PlanRow]:
    """Return the rows of a plan, as written or as a spreadsheet saved it.

    Only group, action, path and content_hash must be sound.

    Raises:
        InputError: the file can't be read, or a line, which the message names, is wrong.
    """
    rows: list[PlanRow] = []
    seen: dict[str, int] = {}
    for line, cells in read_table(path, _REQUIRED):
        try:
            row = _parsed(cells)
        except ValueError as error:
            raise InputError(f"'{path}', line {line}: {error}") from None
        if row.path in seen:
            raise InputError(
                f"'{path}', line {line}: '{row.path}' stands in line {seen[row.path]} already; "
                "delete one of them"
            )
        seen[row.path] = line
        rows.append(row)
    if not rows:
        raise InputError(f"'{path}' has no row below its header; there is nothing to apply")
    return rows


def write_plan(path: Path, rows: Iterable[PlanRow], overwrite: bool = False) -> None:
    """Write a plan as CSV in UTF-8, whole or not at all.

    Raises:
        InputError: the file exists and may not be overwritten, or can't be written.
    """
    if not overwrite:
        refuse_taken(path)
    temporary = path.with_name(new_temporary())
    try:
        try:
            with temporary.open("x", encoding="utf-8", newline="") as stream:
                writer = csv.writer(stream)
                writer.writerow(COLUMNS)
                writer.writerows(_cells(row) for row in rows)
                stream.flush()
                os.fsync(stream.fileno())
            if overwrite:
                temporary.replace(path)
            else:
                rename_new(temporary, path, temporary.name)
        finally:
            temporary.unlink(missing_ok=True)
    except FileExistsError as error:
        raise InputError(_TAKEN.format(path)) from error
    except OSError as error:
        raise InputError(
            f"can't write '{path}': {reason_of(error)}; choose another place"
        ) from error


def refuse_taken(path: Path) -> None:
    """Refuse a place where something is; raises InputError."""
    if os.path.lexists(path):
        raise InputError(_TAKEN.format(path))


def _cells(row: PlanRow) -> tuple[object, ...]:
    values = dict(zip(COLUMNS, astuple(row), strict=True))
    values["path"] = encode_path(row.path)
    return tuple("" if values[name] is None else values[name] for name in COLUMNS)


def _parsed(cells: dict[str, str]) -> PlanRow:
    return PlanRow(
        group=_group(cells["group"]),
        action=_action(cells["action"]),
        path=_path(cells["path"]),
        reason=cells.get("reason", ""),
        score=_score(cells.get("score", "")),
        kind=cells.get("kind", ""),
        size=_count(cells.get("size", "")),
        width=_count(cells.get("width", "")),
        height=_count(cells.get("height", "")),
        date=cells.get("date", ""),
        content_hash=_content_hash(cells["content_hash"]),
    )


def _group(cell: str) -> int:
    try:
        return int(cell)
    except ValueError:
        raise ValueError(f"group '{cell}' is no whole number; give it its number again") from None


def _action(cell: str) -> Action:
    name = cell.strip().casefold()
    if name not in set(Action):
        raise ValueError(f"action '{cell}' is unknown; use {', '.join(Action)}")
    return Action(name)


def _path(cell: str) -> str:
    path = decode_path(cell)
    if not Path(path).is_absolute() or ".." in Path(path).parts or "\0" in path:
        raise ValueError(f"path '{cell}' is not an absolute one without '..'; write it in full")
    return os.path.normpath(path)


def _content_hash(cell: str) -> str:
    digest = cell.strip().lower()
    if not _HASH.fullmatch(digest):
        raise ValueError(f"content_hash '{cell}' has not 64 hexadecimal digits; make a new plan")
    return digest


def _score(cell: str) -> float:
    try:
        return float(cell.replace(",", "."))  # the decimal mark of half of the world
    except ValueError:
        return math.nan


def _count(cell: str) -> int | None:
    try:
        return int(cell)
    except ValueError:
        return None
