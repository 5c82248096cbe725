"""All pairs of rows by brute force."""

import numpy as np

from simsearch.index.recipes import Vectors

ScoredPairs = dict[tuple[int, int], float]


def exact_scores(vectors: Vectors) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Return all cosines, float64 [n, n]; 16-bit vectors leave nothing to round."""
    wide = vectors.astype(np.float64)
    return np.minimum(wide @ wide.T, 1.0)


def pairs_of_contents(vectors: Vectors, threshold: float) -> ScoredPairs:
    """Return {(a, b): score} of the positions a < b at or over the threshold."""
    scores = exact_scores(vectors)
    left, right = np.nonzero(np.triu(scores >= threshold, 1))
    return dict(
        zip(
            zip(left.tolist(), right.tolist(), strict=True),
            scores[left, right].tolist(),
            strict=True,
        )
    )
