"""Pairs of pictures and their scores."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simsearch.index.recipes import Vectors
from simsearch.index.vector_index import Ids

Scores = npt.NDArray[np.float64]
Half = npt.NDArray[np.float16]


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


def over(pairs: Pairs, threshold: float) -> Pairs:
    """Return the pairs at or over a threshold."""
    return picked(pairs, pairs.scores >= threshold)


def picked(pairs: Pairs, places: Ids | npt.NDArray[np.bool_] | list[int]) -> Pairs:
    """Return the pairs at some places, or where a mask is true."""
    return Pairs(pairs.a[places], pairs.b[places], pairs.scores[places])


def distinct(parts: Iterable[Pairs]) -> Pairs:
    """Put pairs together, each once, in ascending order of (a, b)."""
    pairs = joined(NO_PAIRS, *parts)
    size = int(pairs.b.max(initial=0)) + 1
    _, first = np.unique(pairs.a * size + pairs.b, return_index=True)
    return picked(pairs, first)


def score_pairs(a: Ids, b: Ids, vectors: Vectors | Half, threshold: float) -> Pairs:
    """Score pairs exactly and keep those at or over the threshold.

    Args:
        a, b: int64 [pairs], rows of `vectors`.
        vectors: float32 or float16 [n, dim], unit length.
    """
    scores = np.empty(len(a), np.float64)
    for start in range(0, len(a), 4096):
        part = slice(start, start + 4096)
        scores[part] = np.einsum(
            "ij,ij->i", vectors[a[part]], vectors[b[part]], dtype=np.float64, casting="same_kind"
        )
    kept = scores >= threshold
    return Pairs(a[kept], b[kept], np.minimum(scores[kept], 1.0))
