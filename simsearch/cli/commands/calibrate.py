"""simsearch calibrate"""

import math
from typing import TYPE_CHECKING, Any

import typer

from simsearch.cli.calibration import fitted, grounds
from simsearch.cli.options import Home, Json, Name, home_or_default
from simsearch.cli.render import print_json, print_table

if TYPE_CHECKING:
    from simsearch.collection.duplicates.calibration import CopyCalibration

_PRECISIONS = (0.9, 0.99, 0.999, 0.9999)


def command(name: Name, home: Home = None, as_json: Json = False) -> None:
    """Measure on altered copies of a collection's pictures where its duplicates begin.

    Example: simsearch calibrate photos
    """
    from simsearch.collection.api import Collection

    calibration = fitted(Collection.open(name, home_or_default(home)), fresh=True)
    if as_json:
        print_json(_as_json(calibration))
    else:
        _show(calibration)


def _as_json(calibration: "CopyCalibration") -> dict[str, Any]:
    return {
        "own": calibration.own,
        "contents": calibration.contents,
        "sample": calibration.sample,
        "copies": calibration.look.asked,
        "seconds": calibration.seconds,
        "cuts": _cuts(calibration),
    }


def _cuts(calibration: "CopyCalibration") -> list[dict[str, float]]:
    from simsearch.local.verdict import certainty

    rows = []
    for precision in _PRECISIONS:
        look, ratio = calibration.look.cut(precision), calibration.ratio.cut(precision)
        cosine = calibration.cosine.cut(precision)
        rows.append(
            {
                "precision": precision,
                "certainty": certainty(look),
                "expected_precision": calibration.look.precision(look),
                "recall": calibration.look.recall(look),
                "times_nearer": math.exp(ratio),
                "times_nearer_expected_precision": calibration.ratio.precision(ratio),
                "times_nearer_recall": calibration.ratio.recall(ratio),
                "cosine": cosine,
                "cosine_expected_precision": calibration.cosine.precision(cosine),
                "cosine_recall": calibration.cosine.recall(cosine),
            }
        )
    return rows


def _show(calibration: "CopyCalibration") -> None:
    typer.echo(f"duplicates, {grounds(calibration)}\n")
    print_table(
        ("precision", "certainty", "expected", "found", "times nearer", "expected", "found"),
        [
            (
                f"{row['precision']:g}",
                f"{row['certainty']:.3g}",
                f"{row['expected_precision']:.4f}",
                f"{row['recall']:.3f}",
                f"{row['times_nearer']:.3g}",
                f"{row['times_nearer_expected_precision']:.4f}",
                f"{row['times_nearer_recall']:.3f}",
            )
            for row in _cuts(calibration)
        ],
        right=range(7),
    )
    typer.echo("found: share of the altered copies; expected: the precision that is reached")
    typer.echo("times nearer: than what else is around two pictures, for --no-recheck")
