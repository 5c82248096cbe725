"""Build an index and find the cheapest setting that keeps the promised recall."""

import numpy as np

from simsearch.index.recipes import Recipe, Vectors, VectorSource, load_recipe
from simsearch.index.vector_index import Ids, VectorIndex
from simsearch.metrics import recall_at_k

PROMISED_RECALL = 0.99
_TUNING_QUERIES = 256
_TUNING_K = 10
_SEED = 99


def build_index(recipe_name: str, source: VectorSource, postings: Ids, gpus: int) -> VectorIndex:
    """Build an index over `source`; `postings` is as in VectorIndex."""
    recipe = load_recipe(recipe_name)
    index = VectorIndex(recipe.build(source, gpus), recipe, 0, postings)
    if recipe.EXACT:
        return index
    return VectorIndex(index.faiss_index, recipe, _cheapest_effort(index, recipe, source), postings)


def _cheapest_effort(index: VectorIndex, recipe: Recipe, source: VectorSource) -> int:
    """Return the first effort with PROMISED_RECALL at 10 on stored vectors, else the last."""
    queries = source.sample(_TUNING_QUERIES, _SEED)
    truth = _true_cosines(source, queries, _TUNING_K + 1)
    for effort in recipe.EFFORTS:
        trial = VectorIndex(index.faiss_index, recipe, effort, index.postings)
        found, _ = trial.search(queries, _TUNING_K + 1)
        # The first hit is the query itself: easy to find, and no answer.
        if recall_at_k(found[:, 1:], truth[:, 1:]) >= PROMISED_RECALL:
            return effort
    return recipe.EFFORTS[-1]


def _true_cosines(source: VectorSource, queries: Vectors, k: int) -> Vectors:
    """Return the k highest cosines of each query, descending, by brute force in blocks."""
    best = np.full((len(queries), k), -np.inf, np.float32)
    for block in source.blocks():
        both = np.concatenate([best, queries @ block.T], axis=1)
        best = -np.partition(-both, k - 1, axis=1)[:, :k]
    best.sort(axis=1)
    return best[:, ::-1]
