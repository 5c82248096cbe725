"""Write galleries: what the commands that can show thumbnails share."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from simsearch.cli.progress import show_progress
from simsearch.cli.render import plural
from simsearch.records import Duplicates

if TYPE_CHECKING:
    from simsearch.actions.plan import PlanRow
    from simsearch.report.groups import Mark


def write_page(path: Path, page: str) -> None:
    """Write an HTML page and say where; raises InputError if the place can't be written."""
    from simsearch.report.page import write

    write(path, page)
    typer.echo(f"gallery: {path}", err=True)


def write_groups(path: Path, name: str, found: Duplicates, rows: Iterable["PlanRow"]) -> None:
    """Write the pages of a collection's duplicates and say where; raises InputError as above."""
    from simsearch.report.gallery import write_duplicates

    with show_progress(quiet=False, doing="drawing", what="thumbnails") as progress:
        count = write_duplicates(path, name, found, marks_of(rows), progress)
    pages = f", {plural(count, 'page')}" if count > 1 else ""
    typer.echo(f"gallery: {path}{pages}", err=True)


def marks_of(rows: Iterable["PlanRow"]) -> dict[str, "Mark"]:
    """Return what a plan would do with each of its files, by path."""
    from simsearch.report.groups import Mark

    return {row.path: Mark(row.action.value, row.reason) for row in rows}
