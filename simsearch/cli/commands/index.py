"""simsearch index"""

from pathlib import Path
from typing import Annotated

import typer

from simsearch.cli.moving import moving_note
from simsearch.cli.options import Device, Home, Json, home_or_default
from simsearch.cli.progress import show_progress
from simsearch.cli.render import plural, print_json, size
from simsearch.cli.stopping import EXIT_INTERRUPTED, ctrl_c
from simsearch.config import DEFAULT_ENCODER, Selection
from simsearch.records import SyncReport


def command(
    folders: Annotated[list[str], typer.Argument(metavar="FOLDER...", help="Folders of pictures.")],
    name: Annotated[
        str | None,
        typer.Option("--name", "-n", help="Collection.", show_default="the folder's name"),
    ] = None,
    home: Home = None,
    encoder: Annotated[
        str | None,
        typer.Option(
            help="A known name, timm/NAME, torchvision/NAME or a checkpoint folder.",
            show_default=DEFAULT_ENCODER,
        ),
    ] = None,
    device: Device = "auto",
    batch_size: Annotated[
        int | None, typer.Option(min=1, help="Pictures a batch.", show_default="by device")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Decoding threads.", show_default="one a core")
    ] = None,
    include: Annotated[
        list[str] | None, typer.Option(metavar="GLOB", help="Only files that match; repeatable.")
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(metavar="GLOB", help="No files or folders that match; repeatable."),
    ] = None,
    hidden: Annotated[
        bool, typer.Option("--hidden", help="Also files and folders whose name starts with '.'.")
    ] = False,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Embed everything again.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no summary.")] = False,
    as_json: Json = False,
) -> None:
    """Index the pictures of folders; run it again to take in what changed.

    Example: simsearch index ./photos --exclude thumbnails
    """
    from simsearch.collection.api import Collection

    collection = Collection(
        _name(name, folders, home_or_default(home)), home_or_default(home), device, batch_size
    )
    with show_progress(quiet) as progress, ctrl_c() as stop:
        report = collection.add(
            *folders,
            encoder=encoder,
            selection=Selection(tuple(include or ()), tuple(exclude or ()), hidden),
            rebuild=rebuild,
            workers=workers,
            progress=progress,
            should_stop=stop.is_set,
        )
    if as_json:
        print_json(_as_json(report))
    elif not quiet:
        _summarize(
            report, None if encoder else moving_note(report.name, report.root, report.encoder)
        )
    if report.failed:
        typer.echo(
            f"warning: {plural(report.failed, 'file')} could not be read; "
            f"list them: simsearch failures {report.name}",
            err=True,
        )
    if report.interrupted:
        typer.echo("stopped: what was done is kept; run it again to go on", err=True)
        raise typer.Exit(EXIT_INTERRUPTED)


def _name(name: str | None, folders: list[str], home: Path) -> str:
    from simsearch.collection.homes import check_name, taken_by_others
    from simsearch.errors import CollectionExistsError
    from simsearch.images.discover import resolve_folder

    if name is not None:
        return check_name(name)
    roots = [resolve_folder(folder) for folder in folders]
    default = check_name(Path(roots[0]).name)
    others = taken_by_others(home / default, roots)
    if others:
        raise CollectionExistsError(
            f"collection '{default}' is of '{others[0]}'; give this folder another --name, "
            f"or --name {default} to have both in one"
        )
    return default


def _as_json(report: SyncReport) -> dict[str, object]:
    index = report.index
    return {
        "name": report.name,
        "root": report.root[0] if len(report.root) == 1 else report.root,
        "images": report.images,
        "new": report.new,
        "duplicates_of_content": report.duplicates_of_content,
        "updated": report.updated,
        "moved": report.moved,
        "removed": report.removed,
        "unchanged": report.unchanged,
        "failed": report.failed,
        "seconds": report.seconds,
        "images_per_second": report.images_per_second,
        "encoder": report.encoder,
        "dim": report.dim,
        "index": index and {"recipe": index.recipe, "bytes": index.bytes, "seconds": index.seconds},
        "generation": report.generation,
    }


def _summarize(report: SyncReport, note: str | None) -> None:
    rate = f", {report.images_per_second:.0f} a second" if report.new else ""
    typer.echo(
        f"'{report.name}' holds {plural(report.images, 'picture')} ({report.seconds:.1f} s{rate})"
    )
    changes = {
        "new": report.new,
        "copies of known content": report.duplicates_of_content,
        "updated": report.updated,
        "moved": report.moved,
        "removed": report.removed,
        "unchanged": report.unchanged,
    }
    parts = [f"{count:,} {what}" for what, count in changes.items() if count]
    typer.echo(f"  {', '.join(parts)}" if parts else "  nothing readable")
    if report.recovered:
        typer.echo(f"  {report.recovered:,} of them saved from an interrupted run")
    if report.other_files:
        typer.echo(f"  {plural(report.other_files, 'other file')} left out: no pictures")
    if report.index:
        typer.echo(f"  search index: {report.index.recipe}, {size(report.index.bytes)}")
    if note:
        typer.echo(note)
    typer.echo(f"next: simsearch query PICTURE --index {report.name}")
    typer.echo(f"      simsearch duplicates --index {report.name}")
