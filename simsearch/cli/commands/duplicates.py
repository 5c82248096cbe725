"""simsearch duplicates"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from simsearch.cli.calibration import show_calibration
from simsearch.cli.galleries import write_groups
from simsearch.cli.options import (
    Csv,
    Gallery,
    Home,
    Index,
    Json,
    NoRecheck,
    Precision,
    Similar,
    Threshold,
    chosen_collection,
    home_or_default,
    one_cut,
    one_format,
)
from simsearch.cli.outputs import check_outputs
from simsearch.cli.progress import show_progress
from simsearch.cli.render import plural, print_csv, print_json, shown_path, size
from simsearch.config import DEFAULT_PRECISION, KeepRules
from simsearch.digest import file_digest
from simsearch.errors import FolderError, InputError
from simsearch.records import DUPLICATE_KINDS, Duplicates, is_below

if TYPE_CHECKING:
    from simsearch.actions.plan import PlanRow
    from simsearch.collection.api import Collection

_SHOWN_GROUPS = 50
_SHOWN_MEMBERS = 20


def _known_rules(keep: str) -> str:
    for rule in _rules(keep):
        if rule not in KeepRules().order:
            raise typer.BadParameter(f"'{rule}' is none of {', '.join(KeepRules().order)}")
    return keep


def _rules(keep: str) -> tuple[str, ...]:
    return tuple(rule.strip() for rule in keep.split(","))


def command(
    index: Index = None,
    home: Home = None,
    similar: Similar = False,
    exact: Annotated[bool, typer.Option("--exact", help="Only files with the same bytes.")] = False,
    threshold: Threshold = None,
    precision: Precision = None,
    no_recheck: NoRecheck = False,
    keep: Annotated[
        str,
        typer.Option(
            help="Which file of a group is the best: rules in order, with commas.",
            callback=_known_rules,
        ),
    ] = ",".join(KeepRules().order),
    prefer: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", help="Its files are better than others; repeatable."),
    ] = None,
    protect: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", help="Its files are never dropped; repeatable."),
    ] = None,
    reference: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", help="Drop only what matches a file of its; repeatable."),
    ] = None,
    plan: Annotated[
        Path | None,
        typer.Option(metavar="PLAN.csv", help="Write what to keep and to drop, for apply."),
    ] = None,
    not_duplicate: Annotated[
        tuple[Path, Path] | None,
        typer.Option(metavar="A B", help="Remember that these two are none; list nothing."),
    ] = None,
    reviewed: Annotated[
        Path | None,
        typer.Option(
            metavar="PLAN.csv", help="Remember what a plan marks as not-duplicate.", readable=False
        ),
    ] = None,
    as_json: Json = False,
    as_csv: Csv = False,
    gallery: Gallery = None,
) -> None:
    """List the pictures that are there more than once, and the groups they form.

    Example: simsearch duplicates --plan plan.csv
    """
    one_format(as_json, as_csv)
    one_cut(threshold, precision)
    check_outputs(plan, gallery)
    if exact:
        _refuse_looks(
            {
                "--similar": similar,
                "--no-recheck": no_recheck,
                "--threshold": threshold is not None,
                "--precision": precision is not None,
            }
        )
    rules = KeepRules(
        _rules(keep),
        *(tuple(map(_existing, folders or ())) for folders in (prefer, protect, reference)),
    )
    from simsearch.actions.plan import refuse_taken
    from simsearch.actions.planning import plan_rows
    from simsearch.collection.api import Collection

    collection = Collection.open(chosen_collection(home, index), home_or_default(home))
    if not_duplicate is not None or reviewed is not None:
        _remember(collection, not_duplicate, reviewed)
        return
    if plan is not None:
        refuse_taken(plan)
    _warn_of_strangers(collection, (*rules.prefer, *rules.protect, *rules.reference))
    if threshold is None and not exact:
        show_calibration(collection, precision or DEFAULT_PRECISION, not no_recheck)
    with (
        show_progress(quiet=False, doing="searching", what="vectors") as searching,
        show_progress(quiet=False, doing="looking again", what="pairs") as progress,
    ):
        found = collection.duplicates(
            threshold=threshold,
            exact=exact,
            similar=similar,
            rules=rules,
            precision=precision or DEFAULT_PRECISION,
            recheck=not no_recheck,
            progress=progress,
            searching=searching,
        )
    # Before anything is printed: a reader that has had enough must not cost plan or gallery.
    if plan is not None:
        _write_plan(plan, plan_rows(found.groups, rules))
    if gallery is not None:
        write_groups(gallery, collection.name, found, plan_rows(found.groups, rules))
    if as_json:
        print_json(_as_json(found))
    elif as_csv:
        print_csv(("a", "b", "score", "kind"), ((p.a, p.b, p.score, p.kind) for p in found.pairs))
    else:
        _show(found, exact)


def _remember(
    collection: "Collection", files: tuple[Path, Path] | None, reviewed: Path | None
) -> None:
    from simsearch.actions.plan import read_plan
    from simsearch.actions.planning import told_apart

    pairs = told_apart(read_plan(reviewed)) if reviewed is not None else []
    if files is not None:
        a, b = (_content_of(collection, file) for file in files)
        if a == b:
            raise InputError(f"'{files[0]}' and '{files[1]}' have the same bytes; nothing to tell")
        pairs.append((a, b))
    count = collection.tell_apart(pairs)
    typer.echo(f"{plural(count, 'pair')} more of '{collection.name}' told apart")


def _content_of(collection: "Collection", file: Path) -> str:
    try:
        digest = file_digest(file)
    except OSError as error:
        raise InputError(f"can't read '{file}': {error.strerror}; check the path") from error
    if not collection.holds(digest):
        raise InputError(
            f"'{file}' is not in '{collection.name}'; name its collection with --index, "
            "or index it again if it has changed"
        )
    return digest


def _refuse_looks(options: dict[str, bool]) -> None:
    if given := [name for name, is_given in options.items() if is_given]:
        raise typer.BadParameter(f"--exact goes by bytes: leave out {', '.join(given)}")


def _warn_of_strangers(collection: "Collection", folders: Sequence[str]) -> None:
    """Say of which folders no picture can be in the collection: their path may be wrong."""
    roots = collection.manifest.roots
    for folder in dict.fromkeys(folders):
        if not any(is_below(folder, root) or is_below(root, folder) for root in roots):
            typer.echo(
                f"warning: no picture of '{collection.name}' lies in '{folder}'; check the path",
                err=True,
            )


def _existing(folder: Path) -> str:
    if not folder.is_dir():
        raise FolderError(f"folder '{folder}' does not exist; check the path")
    return str(folder.resolve())


def _write_plan(path: Path, rows: list["PlanRow"]) -> None:
    from simsearch.actions.plan import Action, write_plan

    write_plan(path, rows)
    dropped = [row for row in rows if row.action is Action.DROP]
    total = size(sum(row.size or 0 for row in dropped))
    shown = shown_path(str(path))
    typer.echo(f"plan: {shown}, {plural(len(dropped), 'file')} of {total} to drop", err=True)
    typer.echo(f"look it over, then: simsearch apply {shown} --to FOLDER", err=True)


def _as_json(found: Duplicates) -> dict[str, object]:
    return {
        "threshold": found.threshold,
        "precision": found.precision,
        "pairs": [{"a": p.a, "b": p.b, "score": p.score, "kind": p.kind} for p in found.pairs],
        "groups": [
            {
                "best": group.best.full_path,
                "members": group.members,
                "min_score": group.min_score,
                "weakest": group.weakest.record.full_path,
            }
            for group in found.groups
        ],
    }


def _show(found: Duplicates, only_exact: bool) -> None:
    counts = f"{plural(len(found.groups), 'group')}, {plural(len(found.pairs), 'pair')}"
    kinds = Counter(pair.kind for pair in found.pairs)
    named = ", ".join(f"{kinds[kind]:,} {kind}" for kind in DUPLICATE_KINDS if kinds[kind])
    if only_exact:
        typer.echo(f"{counts} with the same bytes")
    elif found.threshold is None:
        typer.echo(f"{counts}{f' ({named})' if named else ''}")
    else:
        typer.echo(f"{counts} ({named or 'none'}) at cosine {found.threshold:.4g} or more")
    for number, group in enumerate(found.groups[:_SHOWN_GROUPS], start=1):
        size = plural(len(group.members), "picture")
        typer.echo(f"\ngroup {number}: {size}, weakest tie {group.min_score:.4f}")
        typer.echo(f"  best               {shown_path(group.best.full_path)}")
        for other in group.others[:_SHOWN_MEMBERS]:
            edit = f" ({other.edit})" if other.edit else ""
            shown = shown_path(other.record.full_path)
            typer.echo(f"  {other.score:.4f} {other.kind:<11} {shown}{edit}")
        if len(group.others) > _SHOWN_MEMBERS:
            typer.echo(f"  and {len(group.others) - _SHOWN_MEMBERS:,} more")
    if len(found.groups) > _SHOWN_GROUPS:
        typer.echo(
            f"\nand {len(found.groups) - _SHOWN_GROUPS:,} more groups; --csv lists all pairs"
        )
