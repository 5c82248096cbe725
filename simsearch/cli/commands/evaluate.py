"""simsearch evaluate"""

from pathlib import Path
from typing import Annotated, Any

import typer

from simsearch.cli.options import Json
from simsearch.cli.progress import show_progress
from simsearch.cli.render import plural, print_json, print_table, shown_path
from simsearch.config import DEFAULT_ENCODER
from simsearch.encoder.device import DEVICES
from simsearch.records.labelled import Evaluation, VerificationFigures

_RETRIEVAL = (
    "recall_at_1",
    "recall_at_2",
    "recall_at_4",
    "recall_at_8",
    "precision_at_1",
    "r_precision",
    "map_at_r",
)
_VERIFICATION = (
    "auc",
    "eer",
    "tar_at_far",
    "accuracy_at_calibrated",
    "accuracy_at_half",
    "brier",
    "ece",
    "cllr",
    "same_pairs",
    "different_pairs",
    "all_pairs",
)

_TAR = "tar_at_far_"

_Row = tuple[str, str, float | None]  # what is shown, its name among the intervals, value


def command(
    folder: Annotated[
        str | None,
        typer.Argument(
            metavar="[FOLDER]",
            help="A folder a class, or a CSV or Parquet file of path and label.",
            show_default=False,
        ),
    ] = None,
    encoder: Annotated[
        str, typer.Option(help="A known name, timm/NAME, torchvision/NAME or a checkpoint folder.")
    ] = DEFAULT_ENCODER,
    device: Annotated[str, typer.Option(help=f"One of {', '.join(DEVICES)}.")] = "auto",
    ways: Annotated[int, typer.Option(min=2, help="Classes a few-shot episode.")] = 20,
    shots: Annotated[int, typer.Option(min=1, help="Examples a class.")] = 1,
    episodes: Annotated[int, typer.Option(min=1, help="Few-shot episodes.")] = 1000,
    runs: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Fixed one-shot runs, in Omniglot's layout."),
    ] = None,
    pairs: Annotated[
        Path | None,
        typer.Option(metavar="PAIRS.csv", help="Verify these pairs (a,b,same), not all pairs."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of everything drawn at random.")] = 0,
    as_json: Json = False,
) -> None:
    """Measure an encoder on labelled pictures of classes that it was not trained on.

    Example: simsearch evaluate ./people --encoder encoders/faces --ways 5
    """
    if device not in DEVICES:
        raise typer.BadParameter(
            f"'{device}' is none of {', '.join(DEVICES)}", param_hint="--device"
        )
    if folder is None and pairs is None and runs is None:
        raise typer.BadParameter("give a FOLDER, --pairs or --runs", param_hint="FOLDER")
    from simsearch.evaluation.episodes import Episodes
    from simsearch.evaluation.evaluate import evaluate

    plan = Episodes(ways, shots, episodes, seed)
    with show_progress(quiet=False) as progress:
        result = evaluate(folder, encoder, device, plan, pairs, runs, progress)
    if as_json:
        print_json(_as_json(result))
    else:
        _show(result)


def _as_json(result: Evaluation) -> dict[str, Any]:
    found, checked, shot = result.retrieval, result.verification, result.few_shot
    known, fixed = result.open_set, result.fixed_runs
    data: dict[str, Any] = {name: found[name] if found else None for name in _RETRIEVAL}
    data |= {name: getattr(checked, name) if checked else None for name in _VERIFICATION}
    if checked:
        data["tar_at_far"] = {f"{far:g}": tar for far, tar in checked.tar_at_far.items()}
    return {
        **data,
        "few_shot": shot
        and {
            "ways": shot.ways,
            "shots": shot.shots,
            "episodes": shot.episodes,
            "accuracy": shot.accuracy,
        },
        "open_set": known
        and {
            "fpir": known.fpir,
            "dir": known.dir,
            "known": known.known,
            "unknown": known.unknown,
        },
        "runs": fixed
        and {"runs": fixed.runs, "trials": fixed.trials, "error_rate": fixed.error_rate},
        "intervals": _nested(result.intervals),
        "images": result.images,
        "classes": result.classes,
        "failed": result.failed,
        "encoder": result.encoder,
        "dim": result.dim,
        "calibrated": result.calibrated,
    }


def _nested(intervals: dict[str, tuple[float, float]]) -> dict[str, Any]:
    """Return the intervals in the shape of their figures: those of TAR by FAR."""
    nested: dict[str, Any] = {}
    for name, ends in intervals.items():
        if name.startswith(_TAR):
            nested.setdefault("tar_at_far", {})[name.removeprefix(_TAR)] = list(ends)
        else:
            nested[name] = list(ends)
    return nested


def _show(result: Evaluation) -> None:
    measured = plural(result.images, "picture")
    if result.classes:
        measured += f" of {result.classes:,} classes"
    typer.echo(f"{shown_path(result.encoder)} ({result.dim} values) on {measured}\n")
    rows: list[_Row] = [(name, name, value) for name, value in (result.retrieval or {}).items()]
    if result.verification:
        rows += _verification_rows(result.verification)
    rows += _naming_rows(result)
    table = []
    for label, name, value in rows:
        interval = result.intervals.get(name)
        shown = f"{interval[0]:.4f} to {interval[1]:.4f}" if interval else ""
        table.append([label, "-" if value is None else f"{value:.4f}", shown])
    print_table(("figure", "value", "95 % interval"), table, right=(1,))
    if result.verification:
        _show_pairs(result.verification)
    if not result.calibrated:
        typer.echo("no calibration: this encoder gives similarities, not probabilities")


def _verification_rows(checked: VerificationFigures) -> list[_Row]:
    tars = {f"{_TAR}{far:g}": tar for far, tar in checked.tar_at_far.items()}
    rates = [(name, name, tar) for name, tar in tars.items()]
    probabilities = ("accuracy_at_calibrated", "accuracy_at_half", "brier", "ece", "cllr")
    others = [(name, name, getattr(checked, name)) for name in probabilities]
    return [("auc", "auc", checked.auc), ("eer", "eer", checked.eer), *rates, *others]


def _naming_rows(result: Evaluation) -> list[_Row]:
    rows: list[_Row] = []
    if shot := result.few_shot:
        rows.append((f"{shot.ways}-way {shot.shots}-shot accuracy", "few_shot", shot.accuracy))
    if known := result.open_set:
        rows.append(
            (f"dir at fpir {known.fpir:g}, {known.known} known classes", "open_set", known.dir)
        )
    if fixed := result.fixed_runs:
        rows.append((f"error rate of {plural(fixed.runs, 'run')}", "", fixed.error_rate))
    return rows


def _show_pairs(checked: VerificationFigures) -> None:
    used = checked.same_pairs + checked.different_pairs
    sampled = f", sampled from {checked.all_pairs:,}" if used < checked.all_pairs else ""
    typer.echo(
        f"verified {plural(checked.same_pairs, 'pair')} of the same class "
        f"and {checked.different_pairs:,} of different ones{sampled}"
    )
