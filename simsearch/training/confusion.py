"""Which classes are mistaken for which: only the pairs that are, for there may be many classes."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from simsearch.evaluation.labelled import Labels

Weights = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Confusion:
    """How much each class is mistaken for others.

    Attributes:
        starts: int64 [classes + 1]; the entries of class c are starts[c] to starts[c + 1].
        others: int64 [entries], what it is mistaken for, ascending within a class.
        weights: float64 [entries], how much, above 0.
    """

    starts: Labels
    others: Labels
    weights: Weights

    @classmethod
    def of_pairs(cls, classes: int, pairs: Labels, weights: Weights) -> Self:
        """Add up pairs that may come several times.

        Args:
            pairs: int64 [n], class * classes + what it was mistaken for.
            weights: float64 [n], above 0.
        """
        known, places = np.unique(pairs, return_inverse=True)
        starts = np.searchsorted(known, np.arange(classes + 1) * classes)
        sums = np.bincount(places, weights, len(known)).astype(np.float64)
        return cls(starts, known % classes, sums)

    def of(self, number: int) -> tuple[Labels, Weights]:
        """Return what a class is mistaken for, and how much."""
        entries = slice(self.starts[number], self.starts[number + 1])
        return self.others[entries], self.weights[entries]
