"""Searching an index, and which rows have which content."""

import numpy as np
import pytest

from simsearch.index.build import build_index
from simsearch.index.recipes import load_recipe, recipe_names
from tests.index.vectors import clustered, nearest, one_row_each, source_of

VECTORS = clustered(60, 16, seed=1)
every_recipe = pytest.mark.parametrize(
    "name", [name for name in recipe_names() if load_recipe(name).fewest <= 8]
)


@every_recipe
@pytest.mark.parametrize("k", [60, 61, 10**6])
def test_k_is_cut_to_the_size(name: str, k: int) -> None:
    index = build_index(name, source_of(VECTORS), one_row_each(60), gpus=0)
    cosines, positions = index.search(VECTORS[:3], k)
    assert cosines.shape == positions.shape == (3, 60)
    assert np.array_equal(np.sort(positions, axis=1), [range(60)] * 3)


@every_recipe
def test_no_queries_no_answers(name: str) -> None:
    index = build_index(name, source_of(VECTORS), one_row_each(60), gpus=0)
    cosines, positions = index.search(VECTORS[:0], 5)
    assert cosines.shape == positions.shape == (0, 5)


def test_empty_index() -> None:
    index = build_index("flat", source_of(VECTORS[:0]), one_row_each(0), gpus=0)
    assert index.size == 0
    cosines, positions = index.search(VECTORS[:3], 5)
    assert cosines.shape == positions.shape == (3, 0)


@every_recipe
def test_cosines_of_opposite_and_crossing_vectors(name: str) -> None:
    axes = np.concatenate([np.eye(4), -np.eye(4)]).astype(np.float32)
    index = build_index(name, source_of(axes), one_row_each(8), gpus=0)
    cosines, positions = index.search(axes[:1], 8)
    assert positions[0, 0] == 0
    assert positions[0, -1] == 4
    error = load_recipe(name).score_error
    assert cosines[0] == pytest.approx(nearest(axes[:1], axes, 8)[0][0], abs=error)


@pytest.mark.parametrize("seed", range(5))
def test_rows_and_positions_equal_a_dictionary(seed: int) -> None:
    rng = np.random.default_rng(seed)
    ids = rng.permutation(1000)[:200]
    content = rng.permutation(np.concatenate([np.arange(60), rng.integers(60, size=140)]))
    postings = np.stack([content, ids], axis=1)
    postings = postings[np.lexsort((ids, content))]
    index = build_index("flat", source_of(VECTORS), postings, gpus=0)
    rows: dict[int, list[int]] = {position: [] for position in range(60)}
    for id_, position in sorted(zip(ids.tolist(), content.tolist(), strict=True)):
        rows[position].append(id_)
    assert {position: index.rows_at(position).tolist() for position in rows} == rows
    assert index.positions_of(ids).tolist() == content.tolist()
    assert index.positions_of(ids[:0]).tolist() == []
