"""simsearch duplicates"""

from typing import Annotated

import typer

from simsearch.cli.options import (
    Csv,
    Gallery,
    Home,
    Index,
    Json,
    chosen_collection,
    home_or_default,
    one_format,
    write_page,
)
from simsearch.cli.render import plural, print_csv, print_json, shown_path
from simsearch.config import DEFAULT_THRESHOLD
from simsearch.records import Duplicates

_SHOWN_GROUPS = 50
_SHOWN_MEMBERS = 20


def command(
    index: Index = None,
    home: Home = None,
    threshold: Annotated[
        float, typer.Option(min=-1, max=1, help="Lowest cosine of a pair.")
    ] = DEFAULT_THRESHOLD,
    exact: Annotated[bool, typer.Option("--exact", help="Only files with the same bytes.")] = False,
    as_json: Json = False,
    as_csv: Csv = False,
    gallery: Gallery = None,
) -> None:
    """List the pictures that are there more than once, and the groups they form.

    Example: simsearch duplicates --threshold 0.95 --csv > pairs.csv
    """
    one_format(as_json, as_csv)
    from simsearch.collection.api import Collection

    collection = Collection.open(chosen_collection(home, index), home_or_default(home))
    found = collection.duplicates(threshold, exact)
    if as_json:
        print_json(_as_json(found))
    elif as_csv:
        print_csv(("a", "b", "score", "kind"), ((p.a, p.b, p.score, p.kind) for p in found.pairs))
    else:
        _show(found, exact)
    if gallery is not None:
        from simsearch.report.gallery import duplicates_page

        write_page(gallery, duplicates_page(collection.name, found))


def _as_json(found: Duplicates) -> dict[str, object]:
    return {
        "threshold": found.threshold,
        "pairs": [{"a": p.a, "b": p.b, "score": p.score, "kind": p.kind} for p in found.pairs],
        "groups": [
            {
                "best": group.best.full_path,
                "members": group.members,
                "min_score": group.min_score,
                "weakest": group.weakest.record.full_path,
            }
            for group in found.groups
        ],
    }


def _show(found: Duplicates, only_exact: bool) -> None:
    exact = sum(pair.kind == "exact" for pair in found.pairs)
    counts = f"{plural(len(found.groups), 'group')}, {plural(len(found.pairs), 'pair')}"
    if only_exact:
        typer.echo(f"{counts} with the same bytes")
    else:
        typer.echo(
            f"{counts} ({exact:,} with the same bytes) at cosine {found.threshold:g} or more"
        )
    for number, group in enumerate(found.groups[:_SHOWN_GROUPS], start=1):
        size = plural(len(group.members), "picture")
        typer.echo(f"\ngroup {number}: {size}, weakest tie {group.min_score:.4f}")
        typer.echo(f"  best             {shown_path(group.best.full_path)}")
        for other in group.others[:_SHOWN_MEMBERS]:
            typer.echo(f"  {other.score:.4f} {other.kind:<9} {shown_path(other.record.full_path)}")
        if len(group.others) > _SHOWN_MEMBERS:
            typer.echo(f"  and {len(group.others) - _SHOWN_MEMBERS:,} more")
    if len(found.groups) > _SHOWN_GROUPS:
        typer.echo(
            f"\nand {len(found.groups) - _SHOWN_GROUPS:,} more groups; --csv lists all pairs"
        )
