"""Build an index and find the cheapest setting that keeps the promised recall."""

from dataclasses import replace

import numpy as np

from simsearch.index.recipes import Vectors, VectorSource, load_recipe
from simsearch.index.vector_index import Ids, VectorIndex
from simsearch.metrics import recall_at_k

PROMISED_RECALL = 0.99
# Stored vectors are a little easier to find than new pictures: tune to more than is promised.
_TUNED_RECALL = 0.995
_LEAST_GAIN = 0.001
_TUNING_QUERIES = 256
_TUNING_K = 10
_SEED = 99


def build_index(recipe_name: str, source: VectorSource, postings: Ids, gpus: int) -> VectorIndex:
    """Build an index over `source`; `postings` is as in VectorIndex."""
    recipe = load_recipe(recipe_name)
    index = VectorIndex(recipe.add(recipe.train(source, gpus), source), recipe, 0, postings)
    return index if recipe.EXACT else replace(index, effort=_cheapest_effort(index, source))


def _cheapest_effort(index: VectorIndex, source: VectorSource) -> int:
    """Return the first effort that finds enough neighbours of stored vectors, else the last.

    Where the promise is kept, an effort that finds hardly more than the one before is enough too:
    a compressed index has a limit of its own, which no effort lifts.
    """
    queries = source.sample(_TUNING_QUERIES, _SEED)
    truth = _true_cosines(source, queries, _TUNING_K + 1)
    before = 0.0
    for effort in index.recipe.EFFORTS:
        _, positions = replace(index, effort=effort).search(queries, _TUNING_K + 1)
        found = _cosines_at(source, queries, positions)
        # The first hit is the query itself: easy to find, and no answer.
        recall = recall_at_k(found[:, 1:], truth[:, 1:])
        if recall >= _TUNED_RECALL:
            return effort
        if recall >= PROMISED_RECALL and recall - before < _LEAST_GAIN:
            return effort
        before = recall
    return index.recipe.EFFORTS[-1]


def _cosines_at(source: VectorSource, queries: Vectors, positions: Ids) -> Vectors:
    """Return the exact cosines of each query with its positions, descending; -1 gives -inf."""
    rows = np.unique(positions[positions >= 0])
    vectors = _unit(source.take(rows))
    at = np.minimum(np.searchsorted(rows, positions), max(len(rows) - 1, 0))
    exact = np.einsum("qd,qkd->qk", queries, vectors[at])
    return -np.sort(-np.where(positions >= 0, exact, -np.inf).astype(np.float32), axis=1)


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
