"""simsearch check"""

from dataclasses import asdict

import typer

from simsearch.cli.options import Home, Json, Name, home_or_default
from simsearch.cli.render import plural, print_json


def command(name: Name, home: Home = None, as_json: Json = False) -> None:
    """Compare a collection's files with its manifest; exit code 1 if something is wrong.

    Example: simsearch check photos
    """
    from simsearch.collection.api import Collection

    report = Collection.open(name, home_or_default(home)).check()
    if as_json:
        print_json({"ok": not report.problems, **asdict(report)})
    else:
        for problem in report.problems:
            typer.echo(f"problem: {problem}")
        for note in report.notes:
            typer.echo(f"note: {note}")
        if not report.problems:
            parts, images = plural(report.parts, "part"), plural(report.images, "picture")
            typer.echo(f"'{name}' is sound: {parts}, {images}, digests and counts agree")
    if report.problems:
        raise typer.Exit(1)
