"""All pairs over a threshold, by a k-nearest-neighbour join of an index with itself."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simsearch.index.recipes import Vectors
from simsearch.index.vector_index import Ids, VectorIndex

_FIRST_K = 8
_GROWTH = 4
_MARGIN = 2e-3  # what an index's own scores may be off, before they are computed again
Scores = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of positions or of row ids.

    Attributes:
        a, b: int64 [pairs], a < b, each pair once.
        scores: float64 [pairs], cosines, higher is nearer.
    """

    a: Ids
    b: Ids
    scores: Scores


def join(
    index: VectorIndex, blocks: Iterable[tuple[Ids, Vectors]], threshold: float
) -> tuple[Ids, Ids]:
    """Return the pairs of positions, a < b, that may score `threshold` or more.

    Each vector asks for its k nearest; those whose last answer is still near enough ask again with
    a larger k, so that no pair of a large group is missed. Scores of a compressed index are not
    exact: pairs a little under the threshold are returned too, to be scored from the store.

    Args:
        blocks: (positions int64 [m], vectors float32 [m, dim]) of all vectors, each once.
    """
    cut = threshold - _MARGIN
    keys = [np.empty(0, np.int64)]
    for positions, vectors in blocks:
        asking = np.arange(len(positions))
        k = _FIRST_K
        while len(asking):
            cosines, found = index.search(vectors[asking], k)
            near = (cosines >= cut) & (found >= 0)
            growing = near[:, -1] & (k < index.size)
            done = near & ~growing[:, None]
            rows, columns = np.nonzero(done)
            left, right = positions[asking[rows]], found[rows, columns]
            low, high = np.minimum(left, right), np.maximum(left, right)
            keys.append(np.unique((low * index.size + high)[low != high]))
            asking = asking[growing]
            k *= _GROWTH
    merged = np.unique(np.concatenate(keys))
    return merged // max(index.size, 1), merged % max(index.size, 1)


def score_pairs(a: Ids, b: Ids, vectors: Vectors, threshold: float) -> Pairs:
    """Score pairs exactly and keep those at or over the threshold.

    Args:
        a, b: int64 [pairs], rows of `vectors`.
        vectors: float32 [n, dim], unit length.
    """
    scores = np.empty(len(a), np.float64)
    for start in range(0, len(a), 4096):
        part = slice(start, start + 4096)
        scores[part] = np.einsum(
            "ij,ij->i", vectors[a[part]], vectors[b[part]], dtype=np.float64, casting="same_kind"
        )
    kept = scores >= threshold
    return Pairs(a[kept], b[kept], np.minimum(scores[kept], 1.0))


def expand(pairs: Pairs, postings: Ids) -> tuple[Pairs, Pairs]:
    """Turn pairs of positions into pairs of row ids.

    Args:
        pairs: pairs of positions.
        postings: int64 [rows, 2], (position, row id), sorted.

    Returns:
        (pairs of rows with the same content, score 1; pairs of rows with different contents).
    """
    starts = np.searchsorted(postings[:, 0], np.arange(postings[-1, 0] + 2 if len(postings) else 1))
    ids = postings[:, 1]
    groups = [ids[starts[p] : starts[p + 1]] for p in np.nonzero(np.diff(starts) > 1)[0]]
    exact = [(group[i], group[j]) for group in groups for i, j in [np.triu_indices(len(group), 1)]]
    similar = [
        np.meshgrid(
            ids[starts[a] : starts[a + 1]], ids[starts[b] : starts[b + 1]], indexing="ij"
        )
        for a, b in zip(pairs.a, pairs.b, strict=True)
    ]
    counts = [left.size for left, _ in similar]
    return (
        _pairs(exact, np.ones(sum(len(left) for left, _ in exact))),
        _pairs([(left.ravel(), right.ravel()) for left, right in similar], np.repeat(pairs.scores, counts)),
    )


def _pairs(both: list[tuple[Ids, Ids]], scores: Scores) -> Pairs:
    if not both:
        empty = np.empty(0, np.int64)
        return Pairs(empty, empty, np.empty(0))
    left = np.concatenate([a for a, _ in both])
    right = np.concatenate([b for _, b in both])
    return Pairs(np.minimum(left, right), np.maximum(left, right), scores)
