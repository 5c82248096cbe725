"""Measure an encoder on labelled pictures: what `simsearch evaluate` does."""

import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from simsearch.encoder.calibration import calibration_of
from simsearch.encoder.resolve import resolve
from simsearch.encoder.runtimes import Vectors
from simsearch.errors import InputError
from simsearch.evaluation.bootstrap import interval_of_dir, interval_of_mean, intervals_of_pairs
from simsearch.evaluation.embedding import Rows, embed_pictures
from simsearch.evaluation.episodes import Episodes, few_shot, fixed_runs, open_set
from simsearch.evaluation.labelled import LabelledPictures, Labels, read_labelled
from simsearch.evaluation.pair_scores import score_pairs
from simsearch.evaluation.verification import (
    PairTable,
    read_pairs,
    score_table,
    verification_figures,
)
from simsearch.metrics import retrieve
from simsearch.records import Failure
from simsearch.records.labelled import Calibration, Evaluation

PathLike = str | os.PathLike[str]
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Encoder:
    """An encoder to measure, with a function that embeds picture files."""

    name: str
    calibration: Calibration | None
    embed: Callable[[Sequence[str]], tuple[Vectors, Rows, list[Failure]]]


def evaluate(
    source: PathLike | None,
    encoder: str,
    device: str = "auto",
    plan: Episodes | None = None,
    pairs: PathLike | None = None,
    runs: PathLike | None = None,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> Evaluation:
    """Measure an encoder.

    Args:
        source: a folder of classes or a table of path and label (see `read_labelled`), of classes
            that the encoder was not trained on; None leaves out what needs it.
        encoder: what `--encoder` takes.
        device: 'auto', 'cpu', 'cuda' or 'mps'.
        plan: how few-shot naming is measured; its seed is that of everything random.
        pairs: a CSV of a, b, same; verification is then measured on these pairs only.
        runs: a folder of fixed one-shot runs in Omniglot's layout.
        progress: called with (files done, files to do).

    Raises:
        InputError: nothing to measure on, or too few pictures or classes of a kind.
        EncoderError: there is no such encoder, or it can't be loaded.
        DeviceError: the device asked for is not there.
    """
    if source is None and pairs is None and runs is None:
        raise InputError("nothing to evaluate on; give labelled pictures, pairs or runs")
    plan = plan or Episodes()
    # What can be wrong with the tables is found before any time is spent.
    labelled = read_labelled(source) if source is not None else None
    table = read_pairs(pairs) if pairs is not None else None
    spec = resolve(encoder)
    subject = _Encoder(
        name=encoder,
        calibration=calibration_of(spec),
        embed=lambda paths: embed_pictures(paths, encoder, device, progress),
    )
    calibrated = subject.calibration is not None
    result = Evaluation(encoder, spec.dim, calibrated, images=0, classes=0, failed=0)
    if labelled is not None:
        result = _on_classes(result, subject, labelled, plan)
    if table is not None:
        result = _on_pairs(result, subject, table)
    if runs is not None:
        result = _on_runs(result, subject, runs)
    return result


def evaluate_pairs(table: PathLike, encoder: str, device: str = "auto") -> Evaluation:
    """Measure verification on the pairs of a CSV of a, b, same; see `evaluate`."""
    return evaluate(None, encoder, device, pairs=table)


def evaluate_vectors(
    encoder: str,
    vectors: Vectors,
    labels: Labels,
    calibration: Calibration | None = None,
    plan: Episodes | None = None,
) -> Evaluation:
    """Measure an encoder by its vectors of labelled pictures.

    Args:
        encoder: its name, for the record.
        vectors: float32 [n, dim], unit vectors.
        labels: int64 [n], classes, 0 or more, that it was not trained on.

    Raises:
        InputError: there are fewer than two classes, or none with two pictures.
    """
    plan = plan or Episodes()
    classes, codes = np.unique(labels, return_inverse=True)
    if len(classes) < 2:
        raise InputError(f"{len(classes)} class with readable pictures; give two or more")
    found = retrieve(vectors, codes)
    pairs = score_pairs(vectors, codes, plan.seed)
    shot, trials = few_shot(vectors, codes, plan)
    known, strangers = open_set(vectors, codes, plan.shots, plan.seed)
    intervals = {
        name: interval_of_mean(values, codes[found.queries], plan.seed)
        for name, values in found.per_query().items()
    }
    intervals |= intervals_of_pairs(pairs, len(classes), calibration, plan.seed)
    if trials is not None:
        right = trials.right.astype(np.float64)
        intervals["few_shot"] = interval_of_mean(right, trials.labels, plan.seed)
    if known is not None and known.dir is not None and strangers is not None:
        rate = interval_of_dir(strangers, known.fpir, plan.seed)
        intervals |= {"open_set": rate} if rate else {}
    return Evaluation(
        encoder=encoder,
        dim=vectors.shape[1],
        calibrated=calibration is not None,
        images=len(vectors),
        classes=len(classes),
        failed=0,
        retrieval=found.means(),
        verification=verification_figures(
            pairs.same, pairs.different, calibration, pairs.all_pairs
        ),
        few_shot=shot,
        open_set=known,
        intervals=intervals,
    )


def _on_classes(
    result: Evaluation, subject: _Encoder, labelled: LabelledPictures, plan: Episodes
) -> Evaluation:
    for warning in labelled.warnings:
        _logger.warning("%s", warning)
    if len(labelled.classes) < 2:
        raise InputError(
            f"all pictures are of one class, '{labelled.classes[0]}'; give two classes or more"
        )
    vectors, rows, failures = subject.embed(labelled.paths)
    _warn_of(failures, len(labelled))
    measured = evaluate_vectors(
        result.encoder, vectors, labelled.labels[rows], subject.calibration, plan
    )
    return replace(measured, failed=len(failures))


def _on_pairs(result: Evaluation, subject: _Encoder, table: PairTable) -> Evaluation:
    vectors, rows, failures = subject.embed(table.paths)
    _warn_of(failures, len(table.paths))
    same, different = score_table(table, vectors, rows)
    count = len(same) + len(different)
    # A table says nothing of classes to resample.
    kept = {*(result.retrieval or {}), "few_shot", "open_set"}
    intervals = {name: ends for name, ends in result.intervals.items() if name in kept}
    return replace(
        result,
        images=result.images + len(rows),
        failed=result.failed + len(failures),
        verification=verification_figures(same, different, subject.calibration, count),
        intervals=intervals,
    )


def _on_runs(result: Evaluation, subject: _Encoder, folder: PathLike) -> Evaluation:
    count = 0

    def embed(paths: Sequence[str]) -> Vectors:
        nonlocal count
        count = len(paths)
        vectors, _, failures = subject.embed(paths)
        if failures:
            first = failures[0]
            raise InputError(f"can't read '{first.path}' of the runs: {first.message}; restore it")
        return vectors

    runs = fixed_runs(folder, embed)
    return replace(result, fixed_runs=runs, images=result.images + count)


def _warn_of(failures: Sequence[Failure], count: int) -> None:
    if failures:
        first = failures[0]
        _logger.warning(
            "%d of %d pictures can't be read and are left out; the first: '%s' (%s): %s",
            len(failures),
            count,
            first.path,
            first.kind,
            first.message,
        )
