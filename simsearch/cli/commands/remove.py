"""simsearch remove"""

from typing import Annotated

import typer

from simsearch.cli.options import Home, Name, home_or_default
from simsearch.cli.render import plural, size
from simsearch.errors import CollectionDamagedError


def command(
    name: Name,
    home: Home = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete a collection; the pictures themselves stay.

    Example: simsearch remove photos --yes
    """
    from simsearch.collection.api import Collection
    from simsearch.collection.enrolling import enrolled_classes

    collection = Collection.open(name, home_or_default(home))
    copies = " and its enrolled copies" if enrolled_classes(collection.folder) else ""
    try:
        info = collection.info()
        what = f"collection '{name}' ({plural(info.images, 'picture')}, {size(info.bytes)}){copies}"
    except CollectionDamagedError:
        what = f"collection '{name}' (damaged){copies}"
    if not yes and not typer.confirm(f"delete {what}? The pictures themselves stay."):
        typer.echo("kept")
        raise typer.Exit(1)
    collection.remove()
    typer.echo(f"deleted {what}")
