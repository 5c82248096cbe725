"""simsearch bench tune"""

from dataclasses import asdict
from typing import Annotated

import typer

from simsearch.cli.options import Home, Json, Name, home_or_default
from simsearch.cli.render import print_json
from simsearch.config import PROMISED_RECALL


def _possible(recall: float) -> float:
    if not 0 < recall <= 1:
        raise typer.BadParameter(f"{recall:g} is no share over 0, up to 1")
    return recall


def command(
    name: Name,
    recall: Annotated[
        float,
        typer.Option(help="Share of the ten nearest that a query should get.", callback=_possible),
    ] = PROMISED_RECALL,
    queries: Annotated[int, typer.Option(min=1, help="Stored pictures that are asked.")] = 1000,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Measure how hard the index must search to keep a recall, and keep that for all queries.

    Example: simsearch bench tune photos --recall 0.99
    """
    from simsearch.collection.api import Collection

    tuning = Collection.open(name, home_or_default(home)).tune(recall, queries)
    if as_json:
        print_json(asdict(tuning))
    elif not tuning.effort:
        typer.echo(f"the index of '{name}' compares every vector: its recall is 1")
    else:
        typer.echo(
            f"effort {tuning.effort}: recall@{tuning.k} {tuning.measured:.4f} on "
            f"{tuning.queries:,} stored pictures, {tuning.promised:g} promised"
        )
    if tuning.measured is not None and tuning.measured < tuning.promised:
        typer.echo("warning: no effort keeps the promise; this is the highest", err=True)
