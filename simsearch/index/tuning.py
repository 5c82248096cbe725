"""The cheapest setting of an index that keeps a promised recall, measured on its own vectors."""

from dataclasses import replace

import numpy as np

from simsearch.index.recipes import Vectors, VectorSource
from simsearch.index.vector_index import Ids, VectorIndex
from simsearch.metrics import recall_at_k
from simsearch.records import SearchTuning

# Stored vectors are a little easier to find than new pictures: half of the misses are allowed.
_MARGIN = 0.5
_LEAST_GAIN = 0.001
_QUERIES = 256
_K = 10
_SEED = 99


def tune(
    index: VectorIndex,
    source: VectorSource,
    recall: float,
    queries: int = _QUERIES,
    order: Ids | None = None,
) -> SearchTuning:
    """Return the first effort that finds enough neighbours of stored vectors, else the last.

    Where the promise is kept, an effort that finds hardly more than the one before is enough too:
    a compressed index has a limit of its own, which no effort lifts.

    Args:
        source: the vectors of the index.
        recall: recall@10 that is promised, over 0 and up to 1.
        queries: how many stored vectors are asked, drawn at random.
        order: int64 [n], the position of each vector of the source; None: as they come.
    """
    places = np.arange(source.n) if order is None else np.argsort(order)
    asked = source.sample(queries, _SEED)
    truth = _true_cosines(source, asked, _K + 1)
    before, measured = 0.0, 0.0
    for effort in index.recipe.efforts:
        tuning = SearchTuning(effort, recall, None, len(asked), _K, source.n)
        _, positions = replace(index, tuning=tuning).search(asked, _K + 1)
        found = _cosines_at(source, asked, np.where(positions >= 0, places[positions], -1))
        # The first hit is the query itself: easy to find, and no answer.
        measured = recall_at_k(found[:, 1:], truth[:, 1:])
        enough = measured >= 1 - _MARGIN * (1 - recall)
        if enough or (measured >= recall and measured - before < _LEAST_GAIN):
            break
        before = measured
    return replace(tuning, measured=measured)


def _cosines_at(source: VectorSource, queries: Vectors, rows: Ids) -> Vectors:
    """Return the exact cosines of each query with rows of the source, descending; -1 is -inf."""
    needed = np.unique(rows[rows >= 0])
    vectors = _unit(source.take(needed))
    at = np.minimum(np.searchsorted(needed, rows), max(len(needed) - 1, 0))
    exact = np.einsum("qd,qkd->qk", queries, vectors[at])
    return -np.sort(-np.where(rows >= 0, exact, -np.inf).astype(np.float32), axis=1)


def _true_cosines(source: VectorSource, queries: Vectors, k: int) -> Vectors:
    """Return the k highest cosines of each query, descending, by brute force in blocks."""
    best = np.full((len(queries), k), -np.inf, np.float32)
    for block in source.blocks():
        both = np.concatenate([best, queries @ _unit(block).T], axis=1)
        best = -np.partition(-both, k - 1, axis=1)[:, :k]
    best.sort(axis=1)
    return best[:, ::-1]


def _unit(vectors: Vectors) -> Vectors:
    """Scale to length 1 again, which rounding to 16 bits has changed: copies must tie."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: Vectors = vectors / np.maximum(norms, np.float32(1e-12))
    return scaled
