"""simsearch list"""

import typer

from simsearch.cli.options import Home, Json, home_or_default
from simsearch.cli.render import print_json, print_table, size


def command(home: Home = None, as_json: Json = False) -> None:
    """List the collections.

    Example: simsearch list --home ~/indexes
    """
    from simsearch.collection import Collection
    from simsearch.collection.homes import collection_names

    place = home_or_default(home)
    found = [Collection(name, place).info() for name in collection_names(place)]
    if as_json:
        print_json(
            [
                {"name": i.name, "images": i.images, "bytes": i.bytes, "roots": i.roots}
                for i in found
            ]
        )
    elif found:
        rows = [[i.name, f"{i.images:,}", size(i.bytes), i.updated[:10]] for i in found]
        print_table(("name", "images", "on disk", "updated"), rows, right=(1, 2))
    else:
        typer.echo(f"no collection in '{place}'; make one with: simsearch index FOLDER")
