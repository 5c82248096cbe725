"""Read tables as people and spreadsheets leave them: other separators, orders, line ends, a BOM."""

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from simsearch.errors import InputError

_SEPARATORS = ",;\t"


def read_table(path: Path, required: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield (number of the line, cell by column) for each row that is not blank.

    Column names are compared without case and blanks around them.

    Raises:
        InputError: the file can't be read, is no UTF-8, is no well-formed CSV, lacks a required
            column, has one twice, or a row ends before the last required one.
    """
    text = _text(path)
    if not text.strip():
        raise InputError(f"'{path}' is empty; a plan has the columns {', '.join(required)}")
    separator = max(_SEPARATORS, key=lambda mark: len(set(required) & set(_names(text, mark))))
    columns = _checked_names(path, _names(text, separator), required)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    started = 1
    try:
        for number, cells in enumerate(reader):
            line, started = started, reader.line_num + 1
            if number == 0 or not any(cell.strip() for cell in cells):
                continue
            row = dict(zip(columns, cells, strict=False))
            if missing := [name for name in required if name not in row]:
                raise InputError(f"'{path}', line {line}: no {missing[0]}; complete or delete it")
            yield line, row
    except csv.Error as error:
        raise InputError(f"'{path}', line {started}: no CSV ({error}); mend the quotes") from error


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise InputError(f"'{path}', line {line}: no UTF-8; save it as CSV in UTF-8") from error
    except OSError as error:
        raise InputError(
            f"can't read '{path}': {error.strerror}; "
            "make a plan with: simsearch duplicates --plan plan.csv"
        ) from error


def _names(text: str, separator: str) -> list[str]:
    header = next(csv.reader(io.StringIO(text, newline=""), delimiter=separator), [])
    return [name.strip().casefold() for name in header]


def _checked_names(path: Path, names: list[str], required: Sequence[str]) -> list[str]:
    for name in required:
        if name not in names:
            raise InputError(
                f"'{path}', line 1: no column '{name}'; a plan has {', '.join(required)}"
            )
        if names.count(name) > 1:
            raise InputError(f"'{path}', line 1: column '{name}' is there twice; delete one")
    return names
