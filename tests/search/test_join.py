"""The join finds the pairs that a brute-force matrix finds, with any recipe."""

from collections.abc import Iterator

import numpy as np
import pytest

from simsearch.index.recipes import Vectors, load_recipe, recipe_names
from simsearch.index.vector_index import Ids, VectorIndex
from simsearch.search.join import MOST_EACH, gathered, nearest_pairs, pairs_over
from simsearch.search.pairs import Pairs, score_pairs
from simsearch.search.tiles import Tiles, searcher_of
from tests.index.vectors import around, clustered, one_row_each, source_of, unit
from tests.search.oracles import ScoredPairs, exact_scores, pairs_of_contents

pytestmark = pytest.mark.usefixtures("one_search_thread")
every_recipe = pytest.mark.parametrize("name", recipe_names())


def with_groups() -> Vectors:
    """Return 1,500 unit vectors: clusters, one group of 500 and many of two to four."""
    base = clustered(800, 32, seed=1)
    large = around(base[3], 500, 0.05, seed=2)
    small = unit(base[:200] + 0.02 * np.random.default_rng(3).normal(size=(200, 32)))
    everything = np.concatenate([base, large, small])
    return everything[np.random.default_rng(4).permutation(len(everything))]


GROUPS = with_groups()


def thorough(name: str, vectors: Vectors) -> VectorIndex:
    """Return a recipe's index, searched with all the effort there is."""
    recipe = load_recipe(name)
    effort = max(recipe.EFFORTS, default=0)
    built = recipe.build(source_of(vectors), gpus=0)
    return VectorIndex(built, recipe, effort, one_row_each(len(vectors)))


def shuffled_blocks(vectors: Vectors, rows: int = 400) -> Iterator[tuple[Ids, Vectors]]:
    """Yield positions and vectors in blocks, out of order, as rewritten parts have them."""
    order = np.random.default_rng(5).permutation(len(vectors))
    for start in range(0, len(vectors), rows):
        positions = order[start : start + rows]
        yield positions, vectors[positions]


def as_dict(pairs: Pairs) -> ScoredPairs:
    """Return {(a, b): score}, having made sure that each pair is there once, a < b."""
    keys = list(zip(pairs.a.tolist(), pairs.b.tolist(), strict=True))
    assert len(keys) == len(set(keys))
    assert all(a < b for a, b in keys)
    return dict(zip(keys, pairs.scores.tolist(), strict=True))


@pytest.fixture(autouse=True)
def tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """However few the vectors, search an exact index by tiles."""
    monkeypatch.setattr("simsearch.search.tiles._FEW", 0)


def over(index: VectorIndex, vectors: Vectors, threshold: float) -> tuple[Pairs, set[int]]:
    """Return the scored pairs of positions, and who is crowded."""
    lowest = threshold - index.recipe.SCORE_ERROR
    near, crowded = gathered(pairs_over(searcher_of(index), shuffled_blocks(vectors), lowest))
    as_dict(near)
    return score_pairs(near.a, near.b, vectors, threshold), set(crowded.tolist())


def crowded_at(vectors: Vectors, lowest: float) -> set[int]:
    """Return who has MOST_EACH or more others at or over a cosine."""
    others = (exact_scores(vectors) >= lowest).sum(axis=1) - 1
    return set(np.flatnonzero(others >= MOST_EACH).tolist())


def assert_complete(found: ScoredPairs, crowded: set[int], expected: ScoredPairs) -> None:
    """Who is not crowded has all of his pairs, and nobody who has some is forgotten."""
    assert found.items() <= expected.items()
    missing = expected.keys() - found.keys()
    assert all(a in crowded and b in crowded for a, b in missing)
    assert {end for pair in expected for end in pair} <= {end for p in found for end in p} | crowded


@every_recipe
@pytest.mark.parametrize("threshold", [-1, 0, 0.5, 0.9, 0.99, 0.9995, 1])
def test_join_equals_the_matrix(name: str, threshold: float) -> None:
    vectors = GROUPS if threshold > 0 else GROUPS[::5]
    index = thorough(name, vectors)
    found, crowded = over(index, vectors, threshold)
    error = index.recipe.SCORE_ERROR
    assert crowded <= crowded_at(vectors, threshold - 2 * error)
    assert crowded >= crowded_at(vectors, threshold)
    assert_complete(as_dict(found), crowded, pairs_of_contents(vectors, threshold))


@every_recipe
def test_a_large_group_gives_few_pairs_and_nobody_is_lost(name: str) -> None:
    index = thorough(name, GROUPS)
    expected = pairs_of_contents(GROUPS, 0.9)
    assert len(expected) > 500 * 499 // 2
    found, crowded = over(index, GROUPS, 0.9)
    assert len(crowded) >= 500
    assert len(found.a) < 5 * len(GROUPS)
    assert_complete(as_dict(found), crowded, expected)


@every_recipe
def test_exact_scores_decide_at_the_threshold(name: str) -> None:
    vectors = clustered(600, 32, seed=6)
    scores = np.unique(exact_scores(vectors)[np.triu_indices(600, 1)])
    index = thorough(name, vectors)
    for place in np.searchsorted(scores, np.linspace(0.7, 0.95, 5)):
        for threshold in (float(scores[place]), float(np.nextafter(scores[place], 2))):
            found, crowded = over(index, vectors, threshold)
            assert not crowded
            assert as_dict(found) == pairs_of_contents(vectors, threshold)


@every_recipe
@pytest.mark.parametrize("n", [2, 3, 45])
def test_few_vectors(name: str, n: int) -> None:
    vectors = clustered(n, 8, seed=n)
    found, _ = over(thorough(name, vectors), vectors, 0.2)
    assert as_dict(found) == pairs_of_contents(vectors, 0.2)


@pytest.mark.parametrize("n", [0, 1])
@pytest.mark.parametrize("threshold", [-1, 0.9])
def test_nothing_to_pair(n: int, threshold: float) -> None:
    vectors = clustered(1, 8, seed=1)[:n]
    found, crowded = over(thorough("flat", vectors), vectors, threshold)
    assert (len(found.a), crowded) == (0, set())


@every_recipe
@pytest.mark.parametrize("lowest", [-1, 0.6, 0.95])
def test_nearest_pairs_are_those_of_the_matrix(name: str, lowest: float) -> None:
    vectors = clustered(300, 16, seed=8)
    cosines = (vectors @ vectors.T).astype(np.float64)
    np.fill_diagonal(cosines, -2)
    expected = {
        (min(a, b), max(a, b)): cosines[a, b]
        for a in range(len(vectors))
        for b in np.argsort(-cosines[a], kind="stable")[:3].tolist()
        if cosines[a, b] >= lowest
    }
    searcher = searcher_of(thorough(name, vectors))
    pairs, crowded = gathered(nearest_pairs(searcher, shuffled_blocks(vectors, 64), 3, lowest))
    found = as_dict(pairs)
    common = found.keys() & expected.keys()
    assert len(crowded) == 0
    assert len(common) >= 0.97 * max(len(found), len(expected))  # a compressed index is not exact
    assert all(abs(found[pair] - expected[pair]) < 0.01 for pair in common)


@pytest.mark.parametrize("name", ["flat", "hnsw", "ivf"])
@pytest.mark.parametrize("width", [64, 1000, 5000])
def test_tiles_are_an_exact_search(name: str, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simsearch.search.tiles._WIDTH", width)
    tiles = Tiles(thorough(name, GROUPS), "cpu")
    queries = GROUPS[:50]
    expected = np.sort(queries @ GROUPS.T, axis=1)[:, ::-1]
    for k in (1, 7, 100, 2000):
        cosines, positions = tiles.neighbors(np.arange(50), queries, k)
        assert cosines.shape == positions.shape == (50, min(k, len(GROUPS)))
        assert np.allclose(cosines, expected[:, :k], atol=1e-6)
        assert np.allclose(cosines, np.einsum("qd,qkd->qk", queries, GROUPS[positions]), atol=1e-6)
        assert all(len(set(row)) == len(row) for row in positions.tolist())


def test_few_vectors_need_no_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    index = thorough("flat", GROUPS)
    monkeypatch.setattr("simsearch.search.tiles._FEW", len(GROUPS))
    found, _ = over(index, GROUPS, 0.9)
    monkeypatch.setattr("simsearch.search.tiles._FEW", len(GROUPS) - 1)
    tiled, _ = over(index, GROUPS, 0.9)
    assert isinstance(searcher_of(index), Tiles)
    assert as_dict(found) == as_dict(tiled)


def test_no_score_is_over_1() -> None:
    vectors = np.array([[1.001, 0], [1.002, 0]], np.float32)
    pairs = score_pairs(np.array([0]), np.array([1]), vectors, 1.0)
    assert pairs.scores.tolist() == [1.0]
