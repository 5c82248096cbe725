"""What a job is: pictures to learn from, and a measurement on what was not learned."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simsearch.evaluation.labelled import LabelledPictures
from simsearch.records.labelled import Calibration

Vectors = npt.NDArray[np.float32]
Figures = dict[str, float]
Measure = Callable[[Vectors, Calibration | None], Figures]


@dataclass(frozen=True, slots=True)
class Fold:
    """One training set and the pictures that it is measured on.

    Attributes:
        name: of the fold, for people.
        train: what is trained on.
        validation, calibration: pictures to use instead of classes drawn from `train`.
        test: files to embed.
        measure: maps their unit vectors float32 [n, dim], and the encoder's calibration, to
            figures by name.
    """

    name: str
    train: LabelledPictures
    test: Sequence[str]
    measure: Measure
    validation: LabelledPictures | None = None
    calibration: LabelledPictures | None = None


def shuffled(names: Sequence[str], seed: int) -> list[str]:
    """Return distinct names in a seeded random order."""
    distinct = sorted(set(names))
    return [
        distinct[place] for place in np.random.default_rng([seed, 7]).permutation(len(distinct))
    ]


def one_shot(
    vectors: Vectors, labels: npt.NDArray[np.int64], ways: int, episodes: int, seed: int
) -> float:
    """Return the accuracy of naming one picture a class from one other, over random episodes."""
    draw = np.random.default_rng([seed, 8])
    members = [np.flatnonzero(labels == c) for c in np.unique(labels)]
    right = total = 0
    for _ in range(episodes):
        chosen = draw.choice(len(members), min(ways, len(members)), replace=False)
        pairs = np.array([draw.choice(members[c], 2, replace=False) for c in chosen])
        named = (vectors[pairs[:, 0]] @ vectors[pairs[:, 1]].T).argmax(axis=1)
        right += int((named == np.arange(len(chosen))).sum())
        total += len(chosen)
    return right / total
