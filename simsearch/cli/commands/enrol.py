"""simsearch enrol"""

from typing import Annotated

import typer

from simsearch.cli.options import Home, Index, chosen_collection, home_or_default
from simsearch.cli.render import plural


def command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Class.")],
    photos: Annotated[
        list[str] | None,
        typer.Argument(metavar="PHOTO...", help="Examples of it.", show_default=False),
    ] = None,
    index: Index = None,
    home: Home = None,
    remove: Annotated[
        bool, typer.Option("--remove", help="Delete the pictures enrolled as this class.")
    ] = False,
) -> None:
    """Give a collection examples of a class, for identify; nothing is trained.

    Example: simsearch enrol anna anna.jpg --index people
    """
    if remove == bool(photos):
        raise typer.BadParameter("give PHOTO..., or --remove without one", param_hint="PHOTO...")
    from simsearch.collection.api import Collection

    doing = "removing from" if remove else "enrolling into"
    chosen = chosen_collection(home, index, doing)
    collection = Collection.open(chosen, home_or_default(home))
    if remove:
        count = collection.unenrol(name)
        typer.echo(f"removed {plural(count, 'picture')} of '{name}' from '{chosen}'")
        return
    copies = collection.enrol(name, *photos or ())
    if copies:
        typer.echo(f"enrolled {plural(len(copies), 'picture')} as '{name}' in '{chosen}'")
        typer.echo(f"next: simsearch identify PHOTO --index {chosen}")
    else:
        typer.echo(f"nothing new for '{name}' in '{chosen}'")
