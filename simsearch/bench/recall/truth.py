"""The true neighbours, by brute force, kept beside the dataset."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from simsearch.bench.recall.dataset import Dataset
from simsearch.index.recipes import Vectors
from simsearch.index.vector_index import Ids

Distances = npt.NDArray[np.float64]
Progress = Callable[[int, int], None]
_SPARE = 16  # candidates more than asked: single precision may order the last ones wrongly


def true_distances(
    dataset: Dataset, k: int, known: Ids | None = None, progress: Progress = lambda *_: None
) -> Distances:
    """Return the distances of each query's k nearest, ascending, float64 [queries, k].

    They are squared Euclidean distances, for both metrics: of unit vectors, 2 - 2 x cosine.
    Candidates come from a matrix product in single precision; what decides is computed from the
    differences in double precision.

    Args:
        known: int64 [queries, k or more], the numbers of the nearest; None computes them.
    """
    kept = dataset.truth / f"{dataset.digest[:16]}-{k}.npy"
    if not kept.exists():
        if known is not None and known.shape[1] >= k:
            queries = dataset.query_vectors()
            truth = np.sort(distances_to(dataset, queries, known[:, :k]), axis=1)
        else:
            truth = _computed(dataset, k, progress)
        kept.parent.mkdir(parents=True, exist_ok=True)
        temporary = kept.with_suffix(".tmp.npy")
        np.save(temporary, truth)
        temporary.replace(kept)
    found: Distances = np.load(kept)
    return found


def distances_to(dataset: Dataset, queries: Vectors, found: Ids) -> Distances:
    """Return the squared distances of what was found, float64 [queries, k]; inf where nothing."""
    distances = np.empty(found.shape, np.float64)
    for row, (query, ids) in enumerate(zip(queries, found, strict=True)):
        vectors = dataset.take(np.maximum(ids, 0)).astype(np.float64)
        distances[row] = ((vectors - query) ** 2).sum(axis=1)
    distances[found < 0] = np.inf
    return distances


def _computed(dataset: Dataset, k: int, progress: Progress) -> Distances:
    queries = dataset.query_vectors()
    most = min(k + _SPARE, dataset.n)
    best = np.full((len(queries), most), np.inf, np.float32)
    ids = np.full((len(queries), most), -1, np.int64)
    start = 0
    for block in dataset.blocks():
        squares = np.einsum("nd,nd->n", block, block)
        near = squares - 2 * (queries @ block.T)  # less each query's own square
        both = np.concatenate([best, near], axis=1)
        numbers = np.broadcast_to(np.arange(start, start + len(block)), near.shape)
        all_ids = np.concatenate([ids, numbers], axis=1)
        order = np.argpartition(both, most - 1, axis=1)[:, :most]
        best, ids = np.take_along_axis(both, order, 1), np.take_along_axis(all_ids, order, 1)
        start += len(block)
        progress(start, dataset.n)
    return np.sort(distances_to(dataset, queries, ids), axis=1)[:, :k]
