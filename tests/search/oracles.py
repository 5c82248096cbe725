"""All pairs of rows by brute force."""

import numpy as np

from simsearch.index.recipes import Vectors
from simsearch.index.vector_index import Ids

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


def pairs_of_rows(
    vectors: Vectors, postings: Ids, threshold: float
) -> tuple[ScoredPairs, ScoredPairs]:
    """Return the pairs of rows with equal content, and those of different content."""
    scores = exact_scores(vectors)
    exact: ScoredPairs = {}
    similar: ScoredPairs = {}
    rows = sorted((id_, position) for position, id_ in postings.tolist())
    for place, (a, at) in enumerate(rows):
        for b, bt in rows[place + 1 :]:
            if at == bt:
                exact[a, b] = 1.0
            elif scores[at, bt] >= threshold:
                similar[a, b] = float(scores[at, bt])
    return exact, similar
