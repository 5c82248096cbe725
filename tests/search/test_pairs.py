"""The join finds the pairs that a brute-force matrix finds, with any recipe."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from simsearch.index.build import build_index
from simsearch.index.recipes import Vectors, load_recipe, recipe_names
from simsearch.index.vector_index import Ids, VectorIndex
from simsearch.search.pairs import Pairs, expand, join, nearest_pairs, score_pairs
from tests.index.vectors import around, clustered, one_row_each, source_of, unit
from tests.search.oracles import ScoredPairs, exact_scores, pairs_of_contents, pairs_of_rows

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


def joined(index: VectorIndex, vectors: Vectors, threshold: float) -> Pairs:
    """Return the scored pairs of positions."""
    a, b = join(index, shuffled_blocks(vectors), threshold)
    assert len(np.unique(a * len(vectors) + b)) == len(a)
    return score_pairs(a, b, vectors, threshold)


@every_recipe
@pytest.mark.parametrize("threshold", [-1, 0, 0.5, 0.9, 0.99, 0.9995, 1])
def test_join_equals_the_matrix(name: str, threshold: float) -> None:
    vectors = GROUPS if threshold > 0 else GROUPS[::5]
    found = as_dict(joined(thorough(name, vectors), vectors, threshold))
    assert found == pairs_of_contents(vectors, threshold)


@every_recipe
def test_tuned_index_loses_no_pair_of_a_large_group(name: str) -> None:
    index = build_index(name, source_of(GROUPS), one_row_each(len(GROUPS)), gpus=0)
    expected = pairs_of_contents(GROUPS, 0.9)
    assert len(expected) > 500 * 499 // 2
    found = as_dict(joined(index, GROUPS, 0.9))
    assert found.items() <= expected.items()
    assert len(found) >= 0.9999 * len(expected)


@every_recipe
def test_exact_scores_decide_at_the_threshold(name: str) -> None:
    vectors = clustered(600, 32, seed=6)
    scores = np.unique(exact_scores(vectors)[np.triu_indices(600, 1)])
    index = thorough(name, vectors)
    for place in np.searchsorted(scores, np.linspace(0.7, 0.95, 5)):
        for threshold in (float(scores[place]), float(np.nextafter(scores[place], 2))):
            found = as_dict(joined(index, vectors, threshold))
            assert found == pairs_of_contents(vectors, threshold)


@every_recipe
@pytest.mark.parametrize("n", [2, 3, 45])
def test_few_vectors(name: str, n: int) -> None:
    vectors = clustered(n, 8, seed=n)
    found = as_dict(joined(thorough(name, vectors), vectors, 0.2))
    assert found == pairs_of_contents(vectors, 0.2)


@pytest.mark.parametrize("n", [0, 1])
@pytest.mark.parametrize("threshold", [-1, 0.9])
def test_nothing_to_pair(n: int, threshold: float) -> None:
    vectors = clustered(1, 8, seed=1)[:n]
    found = joined(thorough("flat", vectors), vectors, threshold)
    exact, similar, _ = expand(found, one_row_each(n))
    assert [len(found.a), len(exact.a), len(similar.a)] == [0, 0, 0]


small_vectors = hnp.arrays(
    np.float64, st.tuples(st.integers(1, 12), st.just(3)), elements=st.integers(-2, 2)
).map(lambda rows: unit(rows[(rows != 0).any(axis=1)]))


@settings(deadline=None)
@given(
    vectors=small_vectors,
    threshold=st.sampled_from([-1, -0.5, 0, 0.5, 0.9, 1]) | st.floats(-1, 1),
    data=st.data(),
)
def test_rows_equal_the_matrix(vectors: Vectors, threshold: float, data: st.DataObject) -> None:
    n = len(vectors)
    copies = data.draw(st.lists(st.integers(1, 3), min_size=n, max_size=n))
    ids = data.draw(st.permutations(range(sum(copies))))
    positions = np.repeat(np.arange(n), np.array(copies, np.int64))
    postings = np.stack([positions, np.array(ids, np.int64)], axis=1)
    postings = postings[np.lexsort((postings[:, 1], postings[:, 0]))]

    found = joined(thorough("flat", vectors), vectors, threshold)
    exact, similar, sources = expand(found, postings)

    place = dict(zip(postings[:, 1].tolist(), postings[:, 0].tolist(), strict=True))
    for a, b, source in zip(similar.a.tolist(), similar.b.tolist(), sources.tolist(), strict=True):
        assert {place[a], place[b]} == {found.a[source], found.b[source]}
    assert (as_dict(exact), as_dict(similar)) == pairs_of_rows(vectors, postings, threshold)


def test_content_of_many_files() -> None:
    vectors = clustered(3, 8, seed=7)
    postings = np.array([[0, i] for i in range(300)] + [[1, 300], [2, 301], [2, 302]])
    found = joined(thorough("flat", vectors), vectors, -1)
    exact, similar, _ = expand(found, postings)
    assert (as_dict(exact), as_dict(similar)) == pairs_of_rows(vectors, postings, -1)
    assert len(exact.a) == 300 * 299 // 2 + 1
    assert len(similar.a) == 300 + 2 * 300 + 2


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
    found = as_dict(nearest_pairs(thorough(name, vectors), shuffled_blocks(vectors, 64), 3, lowest))
    common = found.keys() & expected.keys()
    assert len(common) >= 0.97 * max(len(found), len(expected))  # a compressed index is not exact
    assert all(abs(found[pair] - expected[pair]) < 0.01 for pair in common)


def test_no_score_is_over_1() -> None:
    vectors = np.array([[1.001, 0], [1.002, 0]], np.float32)
    pairs = score_pairs(np.array([0]), np.array([1]), vectors, 1.0)
    assert pairs.scores.tolist() == [1.0]
