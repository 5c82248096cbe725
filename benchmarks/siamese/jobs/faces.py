"""Faces of people who were not trained on: 40 people in 8 folds of 5."""

from pathlib import Path

from benchmarks.siamese.protocol import Figures, Fold, Vectors, one_shot, shuffled
from simsearch.evaluation.labelled import label_pictures, read_labelled
from simsearch.evaluation.pair_scores import score_pairs
from simsearch.metrics import eer, roc_auc
from simsearch.records.labelled import Calibration

_FOLDS = 8
_EPISODES = 200


def folds(data: Path, work: Path, seed: int) -> list[Fold]:  # noqa: ARG001 - the signature of jobs
    """Split by person; `data` holds a folder a person."""
    pictures = read_labelled(data)
    people = [pictures.classes[label] for label in pictures.labels]
    order = shuffled(people, seed)
    return [_fold(pictures.paths, people, set(order[k::_FOLDS]), k, seed) for k in range(_FOLDS)]


def _fold(
    paths: tuple[str, ...], people: list[str], unseen: set[str], number: int, seed: int
) -> Fold:
    rows = [row for row, person in enumerate(people) if person in unseen]
    rest = [row for row, person in enumerate(people) if person not in unseen]
    test = label_pictures([paths[row] for row in rows], [people[row] for row in rows])

    def measure(vectors: Vectors, calibration: Calibration | None) -> Figures:  # noqa: ARG001
        scores = score_pairs(vectors, test.labels)
        return {
            "eer": eer(scores.same, scores.different),
            "auc": roc_auc(scores.same, scores.different),
            "five_way_one_shot": one_shot(vectors, test.labels, 5, _EPISODES, seed),
        }

    train = label_pictures([paths[row] for row in rest], [people[row] for row in rest])
    return Fold(f"fold {number + 1}", train, test.paths, measure)
