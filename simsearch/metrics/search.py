"""Recall of an approximate search."""

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.float32]


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
