"""Signatures of writers who were not trained on: 43 writers in 5 folds, one genuine reference."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.siamese.protocol import Figures, Fold, Measure, Vectors, shuffled
from simsearch.evaluation.labelled import label_pictures, read_labelled
from simsearch.metrics import eer
from simsearch.records.labelled import Calibration

Integers = npt.NDArray[np.int64]
_FOLDS = 5
_ASIDE = 3  # writers to validate on, and as many to calibrate on


def folds(data: Path, work: Path, seed: int) -> list[Fold]:  # noqa: ARG001 - the signature of jobs
    """Split by writer; `data` holds WRITER/genuine and WRITER/forged.

    A writer's forgeries are a class beside his genuine signatures: whoever is set aside is so with
    both.
    """
    pictures = read_labelled(data)
    kinds = [pictures.classes[label] for label in pictures.labels]
    writers = [kind.split("/")[0] for kind in kinds]
    order = shuffled(writers, seed)
    made = []
    for number in range(_FOLDS):
        unseen = order[number::_FOLDS]
        known = [writer for writer in order if writer not in unseen]
        rows = _of(unseen, writers)
        genuine = np.array([kinds[row].endswith("genuine") for row in rows])
        owner = np.unique([writers[row] for row in rows], return_inverse=True)[1]
        test = [pictures.paths[row] for row in rows]
        validation, calibration, train = (
            label_pictures([pictures.paths[row] for row in part], [kinds[row] for row in part])
            for part in (
                _of(known[:_ASIDE], writers),
                _of(known[_ASIDE : 2 * _ASIDE], writers),
                _of(known[2 * _ASIDE :], writers),
            )
        )
        measure = _measure(genuine, owner)
        made.append(Fold(f"fold {number + 1}", train, test, measure, validation, calibration))
    return made


def _of(some: Sequence[str], writers: Sequence[str]) -> list[int]:
    return [row for row, writer in enumerate(writers) if writer in some]


def _measure(genuine: Integers, owner: Integers) -> Measure:
    def measure(vectors: Vectors, calibration: Calibration | None) -> Figures:  # noqa: ARG001
        scores = vectors @ vectors.T
        reference = np.flatnonzero(genuine)
        same_writer = owner[reference][:, None] == owner[None, :]
        itself = reference[:, None] == np.arange(len(owner))[None, :]
        cosines = scores[reference]
        same = cosines[same_writer & genuine[None, :] & ~itself]
        skilled = cosines[same_writer & ~genuine[None, :]]
        others = cosines[~same_writer & genuine[None, :]]
        return {"eer_skilled": eer(same, skilled), "eer_others": eer(same, others)}

    return measure
