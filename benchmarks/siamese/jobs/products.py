"""Products that were not trained on: 81 classes split into 54 and 27."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.siamese.protocol import Figures, Fold, Vectors, shuffled
from simsearch.evaluation.labelled import LabelledPictures, label_pictures, read_labelled
from simsearch.metrics import retrieve
from simsearch.records.labelled import Calibration

_TRAINED = 54


def folds(data: Path, work: Path, seed: int) -> list[Fold]:  # noqa: ARG001 - the signature of jobs
    """Draw the classes; `data` holds train/CLASS and, as a second check, val/CLASS."""
    pictures, second = read_labelled(data / "train"), read_labelled(data / "val")
    names = [pictures.classes[label] for label in pictures.labels]
    trained = set(shuffled(names, seed)[:_TRAINED])
    known = [row for row, name in enumerate(names) if name in trained]
    unseen = [row for row, name in enumerate(names) if name not in trained]
    test = label_pictures([pictures.paths[row] for row in unseen], [names[row] for row in unseen])
    other = [second.classes[label] for label in second.labels]
    check = [row for row, name in enumerate(other) if name not in trained]
    checked = label_pictures([second.paths[row] for row in check], [other[row] for row in check])

    def measure(vectors: Vectors, calibration: Calibration | None) -> Figures:  # noqa: ARG001
        first, rest = vectors[: len(test)], vectors[len(test) :]
        among = retrieve(first, test.labels).means()
        in_train = retrieve(rest, _numbers(checked), first, _numbers(test)).means()
        return {
            "map_at_r": among["map_at_r"],
            "precision_at_1": among["precision_at_1"],
            "val_map_at_r": in_train["map_at_r"],
            "val_precision_at_1": in_train["precision_at_1"],
        }

    def _numbers(part: LabelledPictures) -> npt.NDArray[np.int64]:
        every = sorted({*test.classes, *checked.classes})
        return np.array([every.index(part.classes[label]) for label in part.labels], np.int64)

    train = label_pictures([pictures.paths[row] for row in known], [names[row] for row in known])
    return [Fold("54 / 27 classes", train, (*test.paths, *checked.paths), measure)]
