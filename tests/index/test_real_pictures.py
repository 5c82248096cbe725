"""Recall at the effort that the tuning chose, on pictures that are not in the index."""

import numpy as np
import pytest

from simsearch.index.build import build_index
from simsearch.index.recipes import Vectors, load_recipe, recipe_names
from simsearch.metrics import recall_at_k
from tests.index.vectors import cosines_of, nearest, one_row_each, source_of

HELD_OUT = 200
TIED = 1e-6  # cosines that float32 does not tell apart


@pytest.mark.parametrize("name", [n for n in recipe_names() if not load_recipe(n).gpu_only])
def test_recall_at_10(real_vectors: Vectors, name: str) -> None:
    order = np.random.default_rng(5).permutation(len(real_vectors))
    queries, stored = real_vectors[order[:HELD_OUT]], real_vectors[order[HELD_OUT:]]
    index = build_index(name, source_of(stored), one_row_each(len(stored)), gpus=0)
    cosines, positions = index.search(queries, 10)
    true_cosines, true_positions = nearest(queries, stored, 10)
    exact = cosines_of(queries, stored, positions)
    assert recall_at_k(exact, true_cosines) >= 0.98
    assert np.abs(cosines - exact).max() <= index.recipe.score_error
    if index.recipe.exact:  # which of two comes first that lie equally near is not said
        assert np.abs(exact - cosines_of(queries, stored, true_positions)).max() <= TIED


def test_embeddings_are_unit_vectors(real_vectors: Vectors) -> None:
    assert len(real_vectors) >= 1500
    assert np.linalg.norm(real_vectors, axis=1) == pytest.approx(1, abs=1e-3)
