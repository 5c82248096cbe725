"""simsearch list"""

import typer

from simsearch.cli.options import Home, Json, home_or_default
from simsearch.cli.render import print_json, print_table, printable, size
from simsearch.errors import CollectionDamagedError


def command(home: Home = None, as_json: Json = False) -> None:
    """List the collections.

    Example: simsearch list --home ~/indexes
    """
    from simsearch.collection.api import Collection
    from simsearch.collection.homes import collection_names

    place = home_or_default(home)
    found, damaged = [], []
    for name in collection_names(place):
        try:
            found.append(Collection(name, place).info())
        except CollectionDamagedError as error:
            damaged.append(error)
    if as_json:
        print_json(
            [
                {"name": i.name, "images": i.images, "bytes": i.bytes, "roots": i.roots}
                for i in found
            ]
        )
    elif found or damaged:
        rows = [[i.name, f"{i.images:,}", size(i.bytes), i.updated[:10]] for i in found]
        print_table(("name", "images", "on disk", "updated"), rows, right=(1, 2))
    else:
        typer.echo(f"no collection in '{place}'; make one with: simsearch index FOLDER")
    for problem in damaged:
        typer.echo(f"error: {printable(str(problem))}", err=True)
    if damaged:
        raise typer.Exit(1)
