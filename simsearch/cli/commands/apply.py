"""simsearch apply"""

import shlex
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from simsearch.cli.options import Json
from simsearch.cli.progress import show_progress
from simsearch.cli.render import plural, print_json, printable, shown_path, shown_reason, size
from simsearch.cli.stopping import EXIT_INTERRUPTED, ctrl_c

if TYPE_CHECKING:
    from simsearch.actions.apply import ApplyReport

_SHOWN = 20


def command(
    plan: Annotated[
        Path,
        typer.Argument(metavar="PLAN", help="CSV that duplicates --plan wrote.", readable=False),
    ],
    to: Annotated[
        Path | None, typer.Option("--to", metavar="FOLDER", help="Move files below this folder.")
    ] = None,
    trash: Annotated[bool, typer.Option("--trash", help="Move files to the trash.")] = False,
    hardlink: Annotated[
        bool, typer.Option("--hardlink", help="Link files of the same bytes to the kept one.")
    ] = False,
    delete: Annotated[bool, typer.Option("--delete", help="Delete files.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do it, not only say it.")] = False,
    log: Annotated[
        Path | None,
        typer.Option(
            "--log",
            metavar="FILE",
            help="What undo needs; a new file.",
            show_default="PLAN.apply.jsonl, beside the plan",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Drop the files that a plan drops; without --yes only say what would be done.

    Example: simsearch apply plan.csv --to ./duplicates --yes
    """
    given = {"move": to is not None, "trash": trash, "hardlink": hardlink, "delete": delete}
    chosen = [way for way, is_given in given.items() if is_given]
    if len(chosen) != 1:
        raise typer.BadParameter("give exactly one of --to FOLDER, --trash, --hardlink, --delete")
    from simsearch.actions.apply import apply

    doing = "dropping" if yes else "checking"
    with show_progress(as_json, doing) as progress, ctrl_c() as stop:
        report = apply(
            plan,
            chosen[0],
            to,
            dry_run=not yes,
            log=log,
            progress=progress,
            should_stop=stop.is_set,
        )
    if as_json:
        print_json(_as_json(report))
    else:
        _show(report, to)
    if report.stopped:
        typer.echo("stopped: what is listed was done; run it again to go on", err=True)
        raise typer.Exit(EXIT_INTERRUPTED)
    if report.skipped and not report.done:
        raise typer.Exit(1)


def _as_json(report: "ApplyReport") -> dict[str, object]:
    return {
        "dry_run": report.dry_run,
        "way": report.way,
        "done": [asdict(dropped) for dropped in report.done],
        "skipped": [asdict(left) for left in report.skipped],
        "bytes": report.bytes,
        "log": str(report.log) if report.log else None,
    }


def _show(report: "ApplyReport", to: Path | None) -> None:
    for left in report.skipped:
        typer.echo(f"skipped: {shown_path(left.path)} {shown_reason(left.reason)}")
    if not report.skipped and not report.done and not report.stopped:
        typer.echo("the plan drops nothing")
        return
    would = "would be " if report.dry_run else ""
    where = f" to '{printable(str(to))}'" if to is not None else ""
    groups = plural(len({dropped.group for dropped in report.done}), "group")
    files = f"{plural(len(report.done), 'file')} of {groups}, {size(report.bytes)},"
    if report.done:
        typer.echo(f"{files} {would}{report.past}{where}")
    else:
        typer.echo(f"nothing {would or 'was '}{report.past}")
    if report.dry_run:
        for dropped in report.done[:_SHOWN]:
            typer.echo(f"  {shown_path(dropped.path)}")
        if len(report.done) > _SHOWN:
            typer.echo(f"  and {len(report.done) - _SHOWN:,} more; --json lists all")
    if report.skipped:
        typer.echo(f"{plural(len(report.skipped), 'file')} skipped, see above")
    final = sum(not dropped.restorable for dropped in report.done)
    if final:
        be = "could not" if report.dry_run else "can't"
        typer.echo(f"{final:,} of them {be} be put back: no kept file has the same bytes")
    if report.dry_run and report.done:
        typer.echo("nothing was touched; to do it, run it again with --yes")
    elif report.log:
        typer.echo(f"log: {shown_path(str(report.log))}")
        typer.echo(f"put back: simsearch undo {shlex.quote(shown_path(str(report.log)))}")
