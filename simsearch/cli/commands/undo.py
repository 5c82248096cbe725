"""simsearch undo"""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from simsearch.cli.options import Json
from simsearch.cli.progress import show_progress
from simsearch.cli.render import plural, print_json, shown_path, shown_reason
from simsearch.cli.stopping import EXIT_INTERRUPTED, ctrl_c


def command(
    log: Annotated[
        Path, typer.Argument(metavar="LOG", help="Log that apply named.", readable=False)
    ],
    as_json: Json = False,
) -> None:
    """Put back the files that an apply dropped; exit code 1 if one can't be.

    Example: simsearch undo plan.apply.jsonl
    """
    from simsearch.actions.undo import undo

    with show_progress(as_json, doing="putting back") as progress, ctrl_c() as stop:
        report = undo(log, progress=progress, should_stop=stop.is_set)
    if as_json:
        failed = [asdict(left) for left in report.failed]
        print_json({"restored": report.restored, "failed": failed})
    else:
        for left in report.failed:
            typer.echo(f"not put back: {shown_path(left.path)} {shown_reason(left.reason)}")
        if report.restored:
            typer.echo(f"{plural(len(report.restored), 'file')} put back")
        elif not report.failed:
            typer.echo("nothing to put back: every file is in its place")
    if report.stopped:
        typer.echo("stopped: run it again to put back the others", err=True)
        raise typer.Exit(EXIT_INTERRUPTED)
    if report.failed:
        raise typer.Exit(1)
