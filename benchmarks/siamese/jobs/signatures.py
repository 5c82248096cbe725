"""Signatures of writers who were not trained on: 43 writers in 5 folds, one genuine reference."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.siamese.protocol import Figures, Fold, Measure, Vectors, shuffled
from simsearch.evaluation.labelled import label_pictures, read_labelled
from simsearch.metrics import eer
from simsearch.records.labelled import Calibration

Integers = npt.NDArray[np.int64]
_FOLDS = 5


def folds(data: Path, work: Path, seed: int) -> list[Fold]:  # noqa: ARG001 - the signature of jobs
    """Split by writer; `data` holds WRITER/genuine and WRITER/forged."""
    pictures = read_labelled(data)
    kinds = [pictures.classes[label] for label in pictures.labels]
    writers = [kind.split("/")[0] for kind in kinds]
    order = shuffled(writers, seed)
    made = []
    for number in range(_FOLDS):
        unseen = set(order[number::_FOLDS])
        rows = [row for row, writer in enumerate(writers) if writer in unseen]
        rest = [row for row, writer in enumerate(writers) if writer not in unseen]
        train = label_pictures([pictures.paths[row] for row in rest], [kinds[row] for row in rest])
        genuine = np.array([kinds[row].endswith("genuine") for row in rows])
        owner = np.unique([writers[row] for row in rows], return_inverse=True)[1]
        test = [pictures.paths[row] for row in rows]
        made.append(Fold(f"fold {number + 1}", train, test, _measure(genuine, owner)))
    return made


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
