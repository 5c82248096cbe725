"""Global mining: which classes the encoder confuses, found by searching the whole training set."""

import numpy as np
import numpy.typing as npt

from simsearch.evaluation.labelled import Labels
from simsearch.index.build import build_fitting_index
from simsearch.index.recipes import VectorSource
from simsearch.index.vector_index import VectorIndex
from simsearch.training.confusion import Confusion, Weights

Vectors = npt.NDArray[np.float32]
NEIGHBORS = 50
GUARD = 0.95  # of the positive's cosine: what is nearer may well be the same thing, mislabelled
_BLOCK = 4096


def confused_classes(
    vectors: Vectors,
    labels: Labels,
    k: int = NEIGHBORS,
    guard: float = GUARD,
    alone: bool = False,
) -> Confusion:
    """Return how much classes are mistaken for each other.

    Every picture asks for its k nearest. A neighbour of another class counts 1 / rank, unless it is
    so near that it may be a false negative: nearer than `guard` of the picture's nearest positive
    (positive-aware mining, Moreira et al. 2024). Pictures without a positive don't count.

    Args:
        vectors: float32 [n, dim], unit length.
        labels: int64 [n].
        guard: 0 to 1; 1 skips only what is nearer than the positive itself.
        alone: pictures without a positive count, too, as if a copy of themselves were one.
    """
    classes = int(labels.max()) + 1
    pairs: list[Labels] = []
    weights: list[Weights] = []
    index = index_of(vectors)
    for start in range(0, len(vectors), _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, len(vectors)))
        scores, found = index.search(vectors[rows], k + 1)
        other = (found >= 0) & (found != rows[:, None])
        rank = np.cumsum(other, axis=1)  # from 1; the picture itself has none
        same = other & (labels[found] == labels[rows][:, None])
        positive = np.where(same, scores, -np.inf).max(axis=1)
        if alone:
            positive[~np.isfinite(positive)] = 1.0
        far_enough = scores <= guard * positive[:, None]
        negative = other & ~same & far_enough & np.isfinite(positive)[:, None]
        queries, places = np.nonzero(negative)
        pairs.append(labels[rows[queries]] * classes + labels[found[queries, places]])
        weights.append(1 / rank[queries, places])
    return Confusion.of_pairs(classes, np.concatenate(pairs), np.concatenate(weights))


def index_of(vectors: Vectors) -> VectorIndex:
    """Build an index over an array, by the recipe that fits its size and this machine."""
    n, dim = vectors.shape
    rows = np.arange(n)

    def blocks() -> list[Vectors]:
        return [vectors[start : start + _BLOCK] for start in range(0, n, _BLOCK)]

    return build_fitting_index(VectorSource(n, dim, blocks), np.stack([rows, rows], axis=1))[1]
