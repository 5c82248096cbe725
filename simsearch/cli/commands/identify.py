"""simsearch identify"""

from dataclasses import asdict
from typing import Annotated

import typer

from simsearch.cli.options import Far, Home, Index, Json, chosen_collection, home_or_default
from simsearch.cli.render import plural, print_json, print_table, printable, shown_path
from simsearch.config import IDENTIFY_METHODS
from simsearch.records import Failure
from simsearch.records.labelled import Identification


def _known_method(method: str) -> str:
    if method not in IDENTIFY_METHODS:
        raise typer.BadParameter(f"'{method}' is none of {', '.join(IDENTIFY_METHODS)}")
    return method


def command(
    photos: Annotated[list[str], typer.Argument(metavar="PHOTO...", help="Pictures to name.")],
    index: Index = None,
    home: Home = None,
    method: Annotated[
        str,
        typer.Option(
            callback=_known_method,
            help="prototypes: the nearest class mean; knn: a vote of the nearest pictures.",
        ),
    ] = "prototypes",
    k: Annotated[int, typer.Option("-k", min=1, help="Pictures that vote.")] = 5,
    far: Far = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            min=-1,
            max=1,
            help="Cosine under which a picture is unknown.",
            show_default="the one at --far",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Name the class of pictures: the nearest folder of a collection, or unknown.

    Example: simsearch identify new.jpg --index people --method knn
    """
    from simsearch.collection.api import Collection

    collection = Collection.open(chosen_collection(home, index), home_or_default(home))
    failures: list[Failure] = []
    results = collection.identify(
        *photos, method=method, k=k, far=far, threshold=threshold, on_failure=failures.append
    )
    for failure in failures:
        path = shown_path(failure.path)
        typer.echo(f"error: can't read '{path}' ({failure.kind}): {failure.message}", err=True)
    if as_json:
        print_json([_as_json(result) for result in results])
    elif results:
        rows = [_row(result) for result in results]
        print_table(("photo", "class", "score", "probability", "runner-up"), rows, right=(2, 3))
    _note(results)
    if failures:
        raise typer.Exit(1)


def _as_json(result: Identification) -> dict[str, object]:
    data = asdict(result)
    del data["left_out"]
    return data


def _row(result: Identification) -> list[str]:
    if result.nearest is None or result.score is None:
        return [shown_path(result.photo), "no class", "-", "-", "-"]
    nearest = printable(result.nearest)
    other = result.runner_up
    return [
        shown_path(result.photo),
        nearest if result.label is not None else f"unknown (nearest: {nearest})",
        f"{result.score:.4f}",
        "-" if result.probability is None else f"{result.probability:.4f}",
        f"{printable(other.label)} {other.score:.4f}" if other else "-",
    ]


def _note(results: list[Identification]) -> None:
    left_out = sum(result.left_out for result in results)
    if left_out:
        what = plural(left_out, "indexed file")
        typer.echo(f"note: left out {what} with a photo's own content", err=True)
    if results and results[0].threshold is None:
        typer.echo(
            "note: the collection's encoder has no calibration, or one on too few pairs, so "
            "nothing tells an unknown picture: each gets its nearest class; --threshold sets a "
            "cosine, and from 10 classes on the collection's own pictures do",
            err=True,
        )
