"""simsearch failures"""

import typer

from simsearch.cli.options import Home, Json, Name, home_or_default
from simsearch.cli.render import print_json, print_table, shown_path


def command(name: Name, home: Home = None, as_json: Json = False) -> None:
    """List the files that could not be read, and why.

    Example: simsearch failures photos
    """
    from simsearch.collection.api import Collection

    failures = Collection.open(name, home_or_default(home)).failures()
    if as_json:
        print_json([{"path": f.full_path, "kind": f.kind, "message": f.message} for f in failures])
    elif failures:
        rows = [[f.kind, shown_path(f.full_path), f.message] for f in failures]
        print_table(("kind", "path", "reason"), rows)
    else:
        typer.echo(f"every picture of '{name}' could be read")
