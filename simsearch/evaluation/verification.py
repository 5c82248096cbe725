"""Verification figures of pairs of pictures: all of a labelled set, or those of a table."""

import csv
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from simsearch import metrics
from simsearch.encoder.runtimes import Vectors
from simsearch.errors import InputError
from simsearch.records.labelled import Calibration, VerificationFigures

_HALF = 0.5
_SAME = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PairTable:
    """Pairs of pictures to compare.

    Attributes:
        paths: absolute paths, each once.
        a, b: int64 [n], places in `paths`.
        same: bool [n], whether a pair is of one class.
    """

    paths: tuple[str, ...]
    a: npt.NDArray[np.int64]
    b: npt.NDArray[np.int64]
    same: npt.NDArray[np.bool_]


def verification_figures(
    same: Vectors, different: Vectors, calibration: Calibration | None, all_pairs: int
) -> VerificationFigures:
    """Measure how well scores tell same from different pairs.

    Args:
        same, different: float32 [n] and [m], cosines of both kinds of pair, n and m over 0.
        calibration: the encoder's, None where it has none.
        all_pairs: how many pairs there are, of which these may be a sample.
    """
    accuracy = brier = ece = cllr = None
    if calibration is not None:
        ratios = [
            calibration.slope * scores + calibration.intercept for scores in (same, different)
        ]
        accuracy = metrics.accuracy_at(ratios[0], ratios[1], 0.0)
        cllr = metrics.cllr(ratios[0], ratios[1])
        chances = [0.5 * (1 + np.tanh(ratio / 2)) for ratio in ratios]
        brier, ece = metrics.brier(*chances), metrics.ece(*chances)
    rates = metrics.carried_rates(len(different))
    return VerificationFigures(
        auc=metrics.roc_auc(same, different),
        eer=metrics.eer(same, different),
        tar_at_far={far: metrics.tar_at_far(same, different, far) for far in rates},
        accuracy_at_calibrated=accuracy,
        accuracy_at_half=metrics.accuracy_at(same, different, _HALF),
        brier=brier,
        ece=ece,
        cllr=cllr,
        same_pairs=len(same),
        different_pairs=len(different),
        all_pairs=all_pairs,
    )


def read_pairs(table: str | os.PathLike[str]) -> PairTable:
    """Read a CSV with the columns a, b and same; paths are relative to the table's folder.

    `same` is 1, true or yes, or else 0, false or no. Pairs with missing files are left out, with a
    logged warning.

    Raises:
        InputError: the table can't be read, is not as above, or has no pair.
    """
    path = Path(table).expanduser()
    rows = _read_rows(path)
    folder = path.absolute().parent
    place: dict[str, int] = {}
    kept: list[tuple[int, int, bool]] = []
    missing: list[str] = []
    for a, b, same in rows:
        first, second = str(folder / a), str(folder / b)
        gone = [file for file in (first, second) if not Path(file).is_file()]
        missing += gone
        if not gone:
            places = [place.setdefault(file, len(place)) for file in (first, second)]
            kept.append((places[0], places[1], same))
    if missing:
        left_out = len(rows) - len(kept)
        _logger.warning(
            "%d of %d pairs of '%s' left out, files are missing; the first: '%s'",
            left_out,
            len(rows),
            path,
            missing[0],
        )
    if not kept:
        reason = "its files are missing" if rows else "it has no rows"
        raise InputError(f"no pair in '{path}': {reason}; give paths relative to its folder")
    a_rows, b_rows, kinds = zip(*kept, strict=True)
    return PairTable(
        tuple(place), np.array(a_rows, np.int64), np.array(b_rows, np.int64), np.array(kinds, bool)
    )


def score_table(
    table: PairTable, vectors: Vectors, rows: npt.NDArray[np.int64]
) -> tuple[Vectors, Vectors]:
    """Return the cosines of a table's same and different pairs, float32.

    Pairs with a picture that was not embedded are left out.

    Args:
        vectors, rows: what `embed_pictures` returned for the table's paths.

    Raises:
        InputError: no pair of one of the kinds is left.
    """
    place = np.full(len(table.paths), -1)
    place[rows] = np.arange(len(rows))
    a, b = place[table.a], place[table.b]
    there = (a >= 0) & (b >= 0)
    kinds: Sequence[Vectors] = [
        np.einsum("ij,ij->i", vectors[a[chosen]], vectors[b[chosen]])
        for chosen in (there & table.same, there & ~table.same)
    ]
    for scores, value in zip(kinds, (1, 0), strict=True):
        if not len(scores):
            raise InputError(f"no readable pair with same={value}; verification needs both kinds")
    return kinds[0], kinds[1]


def _read_rows(path: Path) -> list[tuple[str, str, bool]]:
    try:
        with path.open(newline="", encoding="utf-8-sig", errors="surrogateescape") as stream:
            reader = csv.DictReader(stream)
            rows = [(row["a"] or "", row["b"] or "", row["same"] or "") for row in reader]
    except (OSError, ValueError, csv.Error) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"'{path}' can't be read ({reason})") from error
    except KeyError as error:
        raise InputError(f"'{path}' has no column {error}; it needs a, b and same") from error
    for _, _, same in rows:
        if same.strip().lower() not in _SAME:
            raise InputError(f"'{path}': same is '{same}'; give 1 or 0")
    return [(a, b, _SAME[same.strip().lower()]) for a, b, same in rows]
