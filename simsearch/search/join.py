"""The join of an index with itself: which of its vectors lie near which others."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from simsearch.index.recipes import Vectors
from simsearch.index.vector_index import Ids
from simsearch.search.crowds import AMONG, crowding, without
from simsearch.search.pairs import NO_PAIRS, Pairs, distinct, joined
from simsearch.search.searchers import Blocks, Searcher

MOST_EACH = 100  # a picture with fewer others over the threshold has a pair with each of them
_FIRST_K = 8
_GROWTH = 4


@dataclass(frozen=True, slots=True)
class Found:
    """What a block of vectors has found.

    Attributes:
        asked: int64 [m], their positions.
        pairs: pairs of positions of which one is among them; a pair may be there twice.
        crowded: int64, those among them that have MOST_EACH or more others over the threshold.
        beside: float32 [m], from `nearest_with_crowds`: how near the crowd of each lies.
    """

    asked: Ids
    pairs: Pairs
    crowded: Ids = field(default_factory=lambda: np.empty(0, np.int64))
    beside: Vectors = field(default_factory=lambda: np.empty(0, np.float32))


def nearest_pairs(searcher: Searcher, blocks: Blocks, k: int, lowest: float) -> Iterator[Found]:
    """Yield the pairs of which one is among the other's `k` nearest; nobody counts as crowded.

    Args:
        blocks: (positions int64 [m], vectors float32 [m, dim]) of those that ask, each once.
        lowest: cosine under which a pair is not wanted.
    """
    for positions, vectors in blocks:
        parts = [NO_PAIRS]
        for asking, cosines, found, _ in _answers(searcher, vectors, k, lowest):
            parts.append(_pairs(positions[asking], cosines, found, lowest))
        yield Found(positions, joined(*parts))


def nearest_with_crowds(
    searcher: Searcher, blocks: Blocks, k: int, lowest: float
) -> Iterator[Found]:
    """Yield the same pairs, and the `crowding` around each that asks; `k` is `AMONG` at most."""
    near = slice(k + 1)  # itself, and others
    for positions, vectors in blocks:
        cosines, found = searcher.search(vectors, AMONG + 1)
        pairs = _pairs(positions, cosines[:, near], found[:, near], lowest)
        beside = crowding(without(cosines, found, positions), lowest)
        yield Found(positions, pairs, beside=beside)


def pairs_over(searcher: Searcher, blocks: Blocks, threshold: float) -> Iterator[Found]:
    """Yield the pairs that score `threshold` or more, in time and number linear in the vectors.

    A vector with fewer than MOST_EACH others over the threshold is in a pair with each of them. One
    with more is `crowded`: it is in a pair with its nearest, and with every vector over the
    threshold that is not crowded. All pairs of a group of thousands would be millions; what they
    would tell beyond that is left to `groups.star_groups`.

    Args:
        blocks: as for `nearest_pairs`.
    """
    for positions, vectors in blocks:
        parts, crowded = [NO_PAIRS], [np.empty(0, np.int64)]
        for asking, cosines, found, full in _answers(searcher, vectors, MOST_EACH, threshold):
            asked = positions[asking]
            if full:
                crowded.append(asked)
                nearest = np.arange(len(asked)), (found != asked[:, None]).argmax(axis=1)
                one = cosines[nearest][:, None], found[nearest][:, None]
                parts.append(_pairs(asked, *one, threshold))
            else:
                parts.append(_pairs(asked, cosines, found, threshold))
        yield Found(positions, joined(*parts), np.concatenate(crowded))


def gathered(found: Iterable[Found]) -> tuple[Pairs, Ids]:
    """Return all pairs, each once, ascending, and who is crowded, ascending."""
    parts = list(found)
    crowded = [np.empty(0, np.int64), *(part.crowded for part in parts)]
    return distinct(part.pairs for part in parts), np.unique(np.concatenate(crowded))


def _answers(
    searcher: Searcher, vectors: Vectors, most: int, lowest: float
) -> Iterator[tuple[Ids, Vectors, Ids, bool]]:
    """Search with a growing k, until the last lies under `lowest` or there are enough.

    Yields:
        (rows of `vectors`; their cosines; positions; whether there are `most` others or more).
    """
    asking = np.arange(len(vectors))
    k = min(_FIRST_K, most + 1)
    while len(asking):
        cosines, found = searcher.search(vectors[asking], k)
        growing = (found[:, -1] >= 0) & (cosines[:, -1] >= lowest) & (k < searcher.size)
        yield asking[~growing], cosines[~growing], found[~growing], False
        asking = asking[growing]
        if k > most:
            yield asking, cosines[growing], found[growing], True
            return
        k = min(k * _GROWTH, most + 1)


def _pairs(asked: Ids, cosines: Vectors, found: Ids, lowest: float) -> Pairs:
    """Return the pairs of each asked position and those found for it, at or over `lowest`."""
    rows, columns = np.nonzero((found >= 0) & (found != asked[:, None]) & (cosines >= lowest))
    left, right = asked[rows], found[rows, columns]
    scores = cosines[rows, columns].astype(np.float64)
    return Pairs(np.minimum(left, right), np.maximum(left, right), scores)
