"""Recall of an approximate search."""

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.float32]
Distances = npt.NDArray[np.float64]


def recall_at_k(found: Scores, truth: Scores, tolerance: float = 1e-4) -> float:
    """Return the share of the true k nearest that a search found, judged by score.

    A hit counts if its score is at least the k-th true score less `tolerance`, so that neighbours
    at equal distance are no misses (ann-benchmarks' definition).

    Args:
        found: float [queries, k], scores of what was found, higher is nearer.
        truth: float [queries, k], scores of the true neighbours, descending.

    Returns:
        0 to 1, higher is better.
    """
    cut = truth[:, -1:] - tolerance
    return float((found >= cut).mean())


def recall_by_distance(found: Distances, truth: Distances) -> float:
    """Return k-recall@k: the share of what was found that is as near as the true k-th.

    Neighbours at equal distance are no misses. A `found` that repeats a vector must not be given.

    Args:
        found: float64 [queries, k], distances of what was found, in any order; inf for nothing.
        truth: float64 [queries, k], distances of the true neighbours, ascending.

    Returns:
        0 to 1, higher is better.
    """
    return float((found <= _loosened(truth[:, -1:])).mean())


def nearest_recall(found: Distances, truth: Distances) -> float:
    """Return 1-recall@k: the share of queries whose nearest is among the k found.

    Args and returns as for `recall_by_distance`.
    """
    return float((found.min(axis=1, initial=np.inf) <= _loosened(truth[:, 0])).mean())


def _loosened(distances: Distances) -> Distances:
    return distances * (1 + 1e-6) + 1e-12  # sums of doubles in another order
