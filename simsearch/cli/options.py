"""Options that several commands share, and what they mean."""

from pathlib import Path
from typing import Annotated

import typer

from simsearch.encoder.device import DEVICES


def _known_device(device: str) -> str:
    if device not in DEVICES:
        raise typer.BadParameter(f"'{device}' is none of {', '.join(DEVICES)}")
    return device


def open_share(share: float | None) -> float | None:
    """Refuse a share that is not over 0 and under 1."""
    if share is not None and not 0 < share < 1:
        raise typer.BadParameter(f"{share:g} is not over 0 and under 1")
    return share


def cosine(score: float | None) -> float | None:
    """Refuse a score that no two vectors can have."""
    if score is not None and not -1 <= score <= 1:
        raise typer.BadParameter(f"{score:g} is no cosine, which lies between -1 and 1")
    return score


Home = Annotated[
    Path | None,
    typer.Option(
        "--home",
        envvar="SIMSEARCH_HOME",
        help="Folder of collections.",
        show_default="./indexes",
    ),
]
Index = Annotated[
    str | None,
    typer.Option(
        "--index", "-i", help="Collection to search.", show_default="the only or last written one"
    ),
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="Collection.")]
Device = Annotated[str, typer.Option(help=f"One of {', '.join(DEVICES)}.", callback=_known_device)]
Far = Annotated[
    float | None,
    typer.Option(
        help="False acceptance rate of the threshold.",
        show_default="0.01, or the lowest that the calibration's pairs carry",
        callback=open_share,
    ),
]
Precision = Annotated[
    float | None,
    typer.Option(
        help="Share of the listed pairs that should be right.",
        show_default="0.999",
        callback=open_share,
    ),
]
Similar = Annotated[
    bool, typer.Option("--similar", help="Also what is alike, and no copy: scenes, bursts.")
]
Threshold = Annotated[
    float | None,
    typer.Option(
        help="Whatever has this cosine or more; nothing is looked at again.", callback=cosine
    ),
]
NoRecheck = Annotated[
    bool,
    typer.Option("--no-recheck", help="Tell copies by their cosines alone, look at none again."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Csv = Annotated[bool, typer.Option("--csv", help="Print CSV.")]
Gallery = Annotated[
    Path | None,
    typer.Option("--gallery", metavar="OUT.html", help="Also write thumbnails as HTML."),
]


def home_or_default(home: Path | None) -> Path:
    """Return the folder of collections."""
    from simsearch.collection.homes import default_home

    return home if home is not None else default_home()


def chosen_collection(home: Path | None, name: str | None, doing: str = "searching") -> str:
    """Return the collection that is meant; say which one, and for what, if there was a choice."""
    from simsearch.collection.homes import pick_collection

    if name is not None:
        return name
    picked, among_others = pick_collection(home_or_default(home))
    if among_others:
        typer.echo(f"note: {doing} '{picked}', written last; --index takes another", err=True)
    return picked


def one_format(as_json: bool, as_csv: bool) -> None:
    """Refuse both formats at once."""
    if as_json and as_csv:
        raise typer.BadParameter("give --json or --csv, not both")


def one_cut(threshold: float | None, precision: float | None) -> None:
    """Refuse two ways to say where pairs begin."""
    if threshold is not None and precision is not None:
        raise typer.BadParameter("give --threshold, a cosine, or --precision, not both")
