"""simsearch query"""

from pathlib import Path
from typing import Annotated

import typer

from simsearch.cli.galleries import write_page
from simsearch.cli.options import (
    Csv,
    Gallery,
    Home,
    Index,
    Json,
    chosen_collection,
    home_or_default,
    one_format,
)
from simsearch.cli.outputs import check_outputs
from simsearch.cli.render import plural, print_csv, print_json, print_table, shown_path
from simsearch.records import Failure, QueryResult


def command(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="Pictures, or folders of pictures.")
    ],
    k: Annotated[int, typer.Option("-k", min=1, help="Neighbours to show.")] = 10,
    index: Index = None,
    home: Home = None,
    min_score: Annotated[
        float | None,
        typer.Option(min=-1, max=1, help="Leave out lower scores.", show_default="none"),
    ] = None,
    include_self: Annotated[
        bool, typer.Option("--include-self", help="Also files with the query's own content.")
    ] = False,
    as_json: Json = False,
    as_csv: Csv = False,
    gallery: Gallery = None,
) -> None:
    """Find the pictures most like the given ones; score is the cosine, 1 is identical.

    Example: simsearch query photo.png -k 5 --gallery neighbours.html
    """
    one_format(as_json, as_csv)
    check_outputs(gallery)
    from simsearch.collection.api import Collection
    from simsearch.collection.pictures import unreadable

    collection = Collection.open(chosen_collection(home, index), home_or_default(home))
    failures: list[Failure] = []
    results = collection.query_many(
        _expand(files), k, min_score, include_self, on_failure=failures.append
    )
    for failure in failures:
        line = unreadable(shown_path(failure.path), failure.kind, failure.message)
        typer.echo(f"error: {line}", err=True)
    if as_json:
        print_json([_as_json(result) for result in results])
    elif as_csv:
        rows = ((r.query, n.rank, n.score, n.path, n.id) for r in results for n in r.neighbors)
        print_csv(("query", "rank", "score", "path", "id"), rows)
    else:
        for result in results:
            _show(result, several=len(results) > 1)
        left_out = sum(result.left_out for result in results)
        if left_out:
            what = plural(left_out, "indexed file")
            typer.echo(
                f"note: left out {what} with a query's own content (--include-self)", err=True
            )
    if gallery is not None:
        from simsearch.report.gallery import query_page

        write_page(gallery, query_page(collection.name, results))
    if failures:
        raise typer.Exit(1)


def _expand(files: list[str]) -> list[str]:
    """Replace folders by the pictures in them."""
    from simsearch.config import Selection
    from simsearch.errors import FolderError
    from simsearch.images.discover import discover, is_candidate, resolve_folder
    from simsearch.records import FoundFile

    pictures: list[str] = []
    for file in files:
        if not Path(file).is_dir():
            pictures.append(file)
            continue
        found = discover([resolve_folder(file)], Selection())
        inside = [f.full_path for f in found if isinstance(f, FoundFile) and is_candidate(f)]
        if not inside:
            raise FolderError(f"no picture found in '{file}'")
        pictures += inside
    return pictures


def _as_json(result: QueryResult) -> dict[str, object]:
    return {
        "query": result.query,
        "neighbors": [
            {"rank": n.rank, "path": n.path, "score": n.score, "id": n.id} for n in result.neighbors
        ],
    }


def _show(result: QueryResult, several: bool) -> None:
    if several:
        typer.echo(f"\n{shown_path(result.query)}")
    if not result.neighbors:
        typer.echo("no neighbours")
    else:
        rows = [[str(n.rank), f"{n.score:.4f}", shown_path(n.path)] for n in result.neighbors]
        print_table(("rank", "score", "path"), rows, right=(0, 1))
