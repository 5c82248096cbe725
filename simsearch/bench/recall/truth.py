"""The true neighbours, by brute force, kept beside the dataset."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from simsearch.bench.recall.dataset import Dataset
from simsearch.index.recipes import Vectors
from simsearch.index.vector_index import Ids
from simsearch.search.searchers.tiles import top

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
    import torch

    queries = dataset.query_vectors()
    asking = torch.from_numpy(queries).to("cuda" if torch.cuda.is_available() else "cpu")
    most = min(k + _SPARE, dataset.n)
    best = asking.new_empty((len(queries), 0))
    found = best.long()
    start = 0
    progress(0, dataset.n)
    for block in dataset.blocks():
        vectors = torch.from_numpy(block).to(asking.device)
        near = 2 * asking @ vectors.T - vectors.square().sum(dim=1)  # and each query's own square
        high, places = top(near, most)
        best, order = top(torch.cat([best, high], dim=1), most)
        found = torch.cat([found, places + start], dim=1).gather(1, order)
        start += len(block)
        progress(start, dataset.n)
    return np.sort(distances_to(dataset, queries, found.cpu().numpy()), axis=1)[:, :k]
