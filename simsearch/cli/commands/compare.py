"""simsearch compare"""

from collections import Counter
from typing import Annotated

import typer

from simsearch.cli.calibration import show_calibration
from simsearch.cli.options import (
    Home,
    Json,
    NoRecheck,
    Precision,
    Similar,
    Threshold,
    home_or_default,
    one_cut,
)
from simsearch.cli.progress import show_progress
from simsearch.cli.render import plural, print_json, print_table, shown_path
from simsearch.config import DEFAULT_PRECISION
from simsearch.records import DUPLICATE_KINDS, DuplicatePair

EXIT_FOUND = 3
_SHOWN = 100


def command(
    a: Annotated[
        str, typer.Argument(metavar="A", help="Collection whose pictures are looked for.")
    ],
    b: Annotated[str, typer.Argument(metavar="B", help="Collection that they are looked for in.")],
    home: Home = None,
    similar: Similar = False,
    threshold: Threshold = None,
    precision: Precision = None,
    no_recheck: NoRecheck = False,
    as_json: Json = False,
) -> None:
    """Tell what of one collection is also in another; exit code 3 if anything is.

    Example: simsearch compare test train --json
    """
    from simsearch.collection.api import Collection

    one_cut(threshold, precision)
    place = home_or_default(home)
    first, second = Collection.open(a, place), Collection.open(b, place)
    wanted = precision or DEFAULT_PRECISION
    if threshold is None:
        show_calibration(second, wanted, not no_recheck)
    with (
        show_progress(quiet=False, doing="searching", what="vectors") as searching,
        show_progress(quiet=False, doing="looking again", what="pairs") as progress,
    ):
        found = first.compare(
            second, threshold, similar, progress, searching, wanted, not no_recheck
        )
    if as_json:
        pairs = [{"a": p.a, "b": p.b, "score": p.score, "kind": p.kind} for p in found]
        print_json({"a": a, "b": b, "found": len(found), "pairs": pairs})
    else:
        _show(a, b, found)
    if found:
        raise typer.Exit(EXIT_FOUND)


def _show(a: str, b: str, found: list[DuplicatePair]) -> None:
    counts = Counter(pair.kind for pair in found)
    named = ", ".join(f"{counts[kind]:,} {kind}" for kind in DUPLICATE_KINDS if counts[kind])
    typer.echo(f"{plural(len(found), 'picture')} of '{a}' in '{b}'{f': {named}' if named else ''}")
    rows = [
        (f"{pair.score:.4f}", pair.kind, shown_path(pair.a), shown_path(pair.b))
        for pair in found[:_SHOWN]
    ]
    if rows:
        typer.echo("")
        print_table(("score", "kind", a, b), rows)
    if len(found) > _SHOWN:
        typer.echo(f"and {len(found) - _SHOWN:,} more; --json lists all")
