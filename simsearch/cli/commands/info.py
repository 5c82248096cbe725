"""simsearch info"""

from dataclasses import asdict

import typer

from simsearch.cli.moving import moving_note
from simsearch.cli.options import Home, Json, Name, home_or_default
from simsearch.cli.render import print_json, shown_path, size
from simsearch.records import SearchTuning


def command(name: Name, home: Home = None, as_json: Json = False) -> None:
    """Show what a collection holds.

    Example: simsearch info photos
    """
    from simsearch.collection.api import Collection

    info = Collection.open(name, home_or_default(home)).info()
    if as_json:
        print_json(asdict(info))
        return
    lines = {
        "name": info.name,
        "folder": shown_path(info.folder),
        "pictures of": ", ".join(shown_path(root) for root in info.roots),
        "images": f"{info.images:,} files, {info.contents:,} different contents",
        "failures": f"{info.failures:,}",
        "encoder": f"{info.encoder} ({info.encoder_digest[:12]}), {info.dim} numbers a picture",
        "index": info.recipe or "not built yet",
        "recall": _recall(info.tuning),
        "on disk": size(info.bytes),
        "generation": f"{info.generation}, {info.updated}",
    }
    for label, value in lines.items():
        typer.echo(f"{label:<12} {value}")
    if note := moving_note(info.name, info.roots, info.encoder):
        typer.echo(note)


def _recall(tuning: SearchTuning | None) -> str:
    if tuning is None:
        return "unknown"
    if not tuning.effort:
        return "1, every vector is compared"
    measured = "not measured" if tuning.measured is None else f"{tuning.measured:.4f} measured"
    return (
        f"{tuning.promised:g} promised, {measured}: {tuning.k} nearest of "
        f"{tuning.queries:,} stored pictures, effort {tuning.effort}"
    )
