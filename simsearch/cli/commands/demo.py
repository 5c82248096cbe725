"""simsearch demo"""

from pathlib import Path
from typing import Annotated

import typer

from simsearch.cli.galleries import marks_of, write_page
from simsearch.cli.progress import show_progress
from simsearch.cli.render import plural, print_table, shown_path

_NAME = "demo"


def command(
    out: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Where pictures, index and page go.")
    ] = Path("simsearch-demo"),
) -> None:
    """Try it on shipped photographs and altered copies of them; needs no network.

    Example: simsearch demo --out /tmp/demo
    """
    from simsearch.actions.planning import plan_rows
    from simsearch.collection.api import Collection
    from simsearch.config import KeepRules
    from simsearch.demo.make import make_pictures
    from simsearch.report.gallery import demo_page

    pictures = out / "pictures"
    query = make_pictures(pictures)
    collection = Collection(_NAME, home=out / "indexes")
    with show_progress(quiet=False) as progress:
        report = collection.add(pictures, progress=progress)
    typer.echo(f"indexed {plural(report.images, 'picture')} of {pictures}")

    result = collection.query_many([query], k=5)[0]
    typer.echo(f"\nmost like {query.name}:")
    rows = [[str(n.rank), f"{n.score:.4f}", shown_path(n.path)] for n in result.neighbors]
    print_table(("rank", "score", "path"), rows, right=(0, 1))

    found = collection.duplicates()
    typer.echo("\nduplicates:")
    for number, group in enumerate(found.groups, start=1):
        typer.echo(f"group {number}, the best first")
        typer.echo(f"  {shown_path(group.best.full_path)}")
        for other in group.others:
            typer.echo(f"  {shown_path(other.record.full_path)} ({other.kind})")

    typer.echo("")
    marks = marks_of(plan_rows(found.groups, KeepRules()))
    write_page(out / "gallery.html", demo_page(_NAME, result, found, marks))
    typer.echo("next, with pictures of your own:")
    typer.echo("  simsearch index FOLDER")
    typer.echo("  simsearch query PICTURE -k 10 --gallery neighbours.html")
    typer.echo("  simsearch duplicates --gallery duplicates.html --plan plan.csv")
