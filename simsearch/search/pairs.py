"""All pairs over a threshold, by a k-nearest-neighbour join of an index with itself."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simsearch.index.recipes import Vectors
from simsearch.index.vector_index import Ids, VectorIndex

_FIRST_K = 8
_GROWTH = 4
_TILE = 1024
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


NO_PAIRS = Pairs(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))


def joined(*parts: Pairs) -> Pairs:
    """Put pairs one after the other."""
    return Pairs(
        np.concatenate([part.a for part in parts]),
        np.concatenate([part.b for part in parts]),
        np.concatenate([part.scores for part in parts]),
    )


def join(
    index: VectorIndex, blocks: Iterable[tuple[Ids, Vectors]], threshold: float
) -> tuple[Ids, Ids]:
    """Return the pairs of positions, a < b, that may score `threshold` or more.

    An exact index is small enough for tiles of the full product. In any other, each vector asks
    for its k nearest; those whose last answer is still near enough ask again with a larger k, so
    that no pair of a large group is missed. Scores of a compressed index are not exact: pairs a
    little under the threshold are returned too, to be scored from the store.

    Args:
        blocks: (positions int64 [m], vectors float32 [m, dim]) of all vectors, each once.
    """
    tie = _tiles if index.recipe.EXACT else _growing_search
    found = [np.unique(keys) for keys in tie(index, blocks, threshold - index.recipe.SCORE_ERROR)]
    keys = np.unique(np.concatenate(found)) if found else np.empty(0, np.int64)
    return keys // max(index.size, 1), keys % max(index.size, 1)


def nearest_pairs(
    index: VectorIndex, blocks: Iterable[tuple[Ids, Vectors]], k: int, lowest: float
) -> Pairs:
    """Return the pairs of positions of which one is among the other's `k` nearest.

    Args:
        blocks: as for `join`.
        lowest: cosine under which a pair is not wanted.
    """
    keys, scores = [np.empty(0, np.int64)], [np.empty(0)]
    for positions, vectors in blocks:
        cosines, found = index.search(vectors, k + 1)
        asking = np.broadcast_to(positions[:, None], found.shape)
        kept = (found >= 0) & (found != asking) & (cosines >= lowest)
        low, high = np.minimum(asking, found)[kept], np.maximum(asking, found)[kept]
        keys.append(low * index.size + high)
        scores.append(cosines[kept].astype(np.float64))
    unique, first = np.unique(np.concatenate(keys), return_index=True)
    size = max(index.size, 1)
    return Pairs(unique // size, unique % size, np.concatenate(scores)[first])


def _tiles(index: VectorIndex, blocks: Iterable[tuple[Ids, Vectors]], cut: float) -> Iterator[Ids]:
    """Yield low * size + high of the pairs at or over `cut`, by brute force."""
    vectors = np.empty((index.size, index.faiss_index.d), np.float32)
    for positions, block in blocks:
        vectors[positions] = block
    for start in range(0, index.size, _TILE):
        cosines = vectors[start : start + _TILE] @ vectors[start:].T
        rows, columns = np.nonzero(cosines >= cut)
        above = columns > rows
        yield (start + rows[above]) * index.size + start + columns[above]


def _growing_search(
    index: VectorIndex, blocks: Iterable[tuple[Ids, Vectors]], cut: float
) -> Iterator[Ids]:
    """Yield low * size + high of the pairs at or over `cut` that searches with a growing k find."""
    for positions, vectors in blocks:
        asking = np.arange(len(positions))
        k = _FIRST_K
        while len(asking):
            cosines, found = index.search(vectors[asking], k)
            near = (cosines >= cut) & (found >= 0)
            growing = near[:, -1] & (k < index.size)
            rows, columns = np.nonzero(near & ~growing[:, None])
            left, right = positions[asking[rows]], found[rows, columns]
            low, high = np.minimum(left, right), np.maximum(left, right)
            yield (low * index.size + high)[low != high]
            asking = asking[growing]
            k *= _GROWTH


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


def expand(pairs: Pairs, postings: Ids) -> tuple[Pairs, Pairs, Ids]:
    """Turn pairs of positions into pairs of row ids.

    Args:
        pairs: pairs of positions.
        postings: int64 [rows, 2], (position, row id), sorted.

    Returns:
        (pairs of rows with the same content, score 1; pairs of rows with different contents; the
        pair of positions that each of the latter comes from).
    """
    ids = postings[:, 1]
    starts = np.searchsorted(postings[:, 0], np.arange(postings[-1, 0] + 2 if len(ids) else 1))
    sizes = np.diff(starts)
    groups = [ids[starts[p] : starts[p + 1]] for p in np.nonzero(sizes > 1)[0]]
    ties = [(group[i], group[j]) for group in groups for i, j in [np.triu_indices(len(group), 1)]]
    left = np.concatenate([a for a, _ in ties]) if ties else np.empty(0, np.int64)
    right = np.concatenate([b for _, b in ties]) if ties else np.empty(0, np.int64)
    exact = _ordered(left, right, np.ones(len(left)))

    # Each pair becomes a grid of all files of one content with all files of the other.
    cells = sizes[pairs.a] * sizes[pairs.b]
    pair = np.repeat(np.arange(len(cells)), cells)
    cell = np.arange(len(pair)) - np.repeat(np.cumsum(cells) - cells, cells)
    a, b = pairs.a[pair], pairs.b[pair]
    row, column = np.divmod(cell, sizes[b])
    similar = _ordered(ids[starts[a] + row], ids[starts[b] + column], pairs.scores[pair])
    return exact, similar, pair


def _ordered(a: Ids, b: Ids, scores: Scores) -> Pairs:
    return Pairs(np.minimum(a, b), np.maximum(a, b), scores)
