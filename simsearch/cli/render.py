"""Print results: JSON, CSV, tables; paths are shown so that no file name can confuse a terminal."""

import csv
import io
import json
import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import typer


def print_json(data: Any) -> None:
    """Print one JSON value; bytes of paths that are no UTF-8 are lone surrogates (os.fsdecode)."""
    typer.echo(json.dumps(data, indent=2))


def print_csv(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print CSV with paths byte for byte as the file system has them."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows(rows)
    sys.stdout.flush()
    sys.stdout.buffer.write(text.getvalue().encode("utf-8", "surrogateescape"))
    sys.stdout.buffer.flush()


def print_table(
    header: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[int] = ()
) -> None:
    """Print an aligned table; the columns numbered in `right` are aligned to the right."""
    cells = [list(header), *map(list, rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    for row in cells:
        line = "  ".join(
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        typer.echo(line.rstrip())


def shown_path(path: str) -> str:
    """Return a path for people: relative where it lies below the current folder."""
    here = os.getcwd()  # noqa: PTH109 - compared as text
    if path.startswith(here + os.sep):
        path = path[len(here) + 1 :]
    return printable(path)


def shown_reason(reason: str) -> str:
    """Return a reason for people: quoted paths relative where they lie below the current folder."""
    return printable(reason.replace(f"'{os.getcwd()}{os.sep}", "'"))  # noqa: PTH109 - as text


def printable(text: str) -> str:
    """Return text with everything escaped that a terminal might act on or can't show."""
    plain = text.encode("utf-8", "backslashreplace").decode()
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in plain)


def size(count: int) -> str:
    """Return a number of bytes for people."""
    value = float(count)
    for unit in ("B", "KB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def plural(count: int, noun: str) -> str:
    """Return '1 picture', '2,000 pictures'."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
