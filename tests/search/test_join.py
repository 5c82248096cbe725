"""The join finds the pairs that a brute-force matrix finds, whoever answers it."""

import tempfile
from collections import Counter, namedtuple
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from simsearch.errors import StorageError
from simsearch.index.recipes import Vectors
from simsearch.index.vector_index import Ids
from simsearch.search.crowds import MISSING, crowding
from simsearch.search.join import (
    MOST_EACH,
    gathered,
    nearest_pairs,
    nearest_with_crowds,
    pairs_over,
)
from simsearch.search.pairs import Pairs, score_pairs
from simsearch.search.searchers import SCORE_ERROR, Searcher, cells, choose
from simsearch.search.searchers.cells import Cells
from simsearch.search.searchers.choose import searcher_of
from simsearch.search.searchers.tiles import Tiles
from tests.index.vectors import around, clustered, unit
from tests.search.oracles import ScoredPairs, exact_scores, pairs_of_contents

SIZES = {"matrix": (10**9, 10**9), "tiles": (0, 10**9), "cells": (0, 0)}


def with_groups() -> Vectors:
    """Return 1,500 unit vectors: clusters, one group of 500 and many of two to four."""
    base = clustered(800, 32, seed=1)
    large = around(base[3], 500, 0.05, seed=2)
    small = unit(base[:200] + 0.02 * np.random.default_rng(3).normal(size=(200, 32)))
    everything = np.concatenate([base, large, small])
    return everything[np.random.default_rng(4).permutation(len(everything))]


GROUPS = with_groups()


@pytest.fixture(params=SIZES)
def make(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Searcher]:
    """Return what makes each of the searchers; cells are so few that all are visited."""
    few, exact = SIZES[request.param]
    monkeypatch.setattr(choose, "_FEW", few)
    monkeypatch.setattr(choose, "EXACT_UP_TO", exact)

    def made(vectors: Vectors) -> Searcher:
        monkeypatch.setattr(cells, "_CELL", len(vectors) // 4 + 1)
        return searcher_of(*shape(vectors), lambda: shuffled_blocks(vectors), scratch())

    return made


def shape(vectors: Vectors) -> tuple[int, int]:
    size, dim = vectors.shape
    return size, dim


def scratch() -> Path:
    return Path(tempfile.gettempdir())


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


def over(found: Searcher, vectors: Vectors, threshold: float) -> tuple[Pairs, set[int]]:
    """Return the scored pairs of positions, and who is crowded."""
    lowest = threshold - SCORE_ERROR
    near, crowded = gathered(pairs_over(found, shuffled_blocks(vectors), lowest))
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


@pytest.mark.parametrize("threshold", [-1, 0, 0.5, 0.9, 0.99, 0.9995, 1])
def test_join_equals_the_matrix(make: Callable[[Vectors], Searcher], threshold: float) -> None:
    vectors = GROUPS if threshold > 0 else GROUPS[::5]
    found, crowded = over(make(vectors), vectors, threshold)
    assert crowded <= crowded_at(vectors, threshold - 2 * SCORE_ERROR)
    assert crowded >= crowded_at(vectors, threshold)
    assert_complete(as_dict(found), crowded, pairs_of_contents(vectors, threshold))


def test_a_large_group_gives_few_pairs_and_nobody_is_lost(
    make: Callable[[Vectors], Searcher],
) -> None:
    expected = pairs_of_contents(GROUPS, 0.9)
    assert len(expected) > 500 * 499 // 2
    found, crowded = over(make(GROUPS), GROUPS, 0.9)
    assert len(crowded) >= 500
    assert len(found.a) < 5 * len(GROUPS)
    assert_complete(as_dict(found), crowded, expected)


def test_exact_scores_decide_at_the_threshold(make: Callable[[Vectors], Searcher]) -> None:
    vectors = clustered(600, 32, seed=6)
    scores = np.unique(exact_scores(vectors)[np.triu_indices(600, 1)])
    made = make(vectors)
    for place in np.searchsorted(scores, np.linspace(0.7, 0.95, 5)):
        for threshold in (float(scores[place]), float(np.nextafter(scores[place], 2))):
            found, crowded = over(made, vectors, threshold)
            assert not crowded
            assert as_dict(found) == pairs_of_contents(vectors, threshold)


@pytest.mark.parametrize("n", [2, 3, 45])
def test_few_vectors(make: Callable[[Vectors], Searcher], n: int) -> None:
    vectors = clustered(n, 8, seed=n)
    found, _ = over(make(vectors), vectors, 0.2)
    assert as_dict(found) == pairs_of_contents(vectors, 0.2)


@pytest.mark.parametrize("n", [0, 1])
@pytest.mark.parametrize("threshold", [-1, 0.9])
def test_nothing_to_pair(n: int, threshold: float) -> None:
    vectors = clustered(1, 8, seed=1)[:n]
    made = searcher_of(*shape(vectors), lambda: shuffled_blocks(vectors), scratch())
    found, crowded = over(made, vectors, threshold)
    assert (len(found.a), crowded) == (0, set())


@pytest.mark.parametrize("lowest", [-1, 0.6, 0.95])
def test_nearest_pairs_are_those_of_the_matrix(
    make: Callable[[Vectors], Searcher], lowest: float
) -> None:
    vectors = clustered(300, 16, seed=8)
    cosines = (vectors @ vectors.T).astype(np.float64)
    np.fill_diagonal(cosines, -2)
    expected = {
        (min(a, b), max(a, b)): cosines[a, b]
        for a in range(len(vectors))
        for b in np.argsort(-cosines[a], kind="stable")[:3].tolist()
        if cosines[a, b] >= lowest
    }
    blocks = shuffled_blocks(vectors, 64)
    pairs, crowded = gathered(nearest_pairs(make(vectors), blocks, 3, lowest))
    found = as_dict(pairs)
    assert len(crowded) == 0
    assert found.keys() >= expected.keys()  # a search begins with a few more than were asked for
    assert all(abs(found[pair] - expected[pair]) < 1e-3 for pair in expected)


@pytest.mark.parametrize("lowest", [-1, 0.6])
def test_the_nearest_come_with_the_crowd_around_each(
    make: Callable[[Vectors], Searcher], lowest: float
) -> None:
    vectors = clustered(300, 16, seed=8)
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, MISSING)
    expected = crowding(cosines, lowest)
    for part in nearest_with_crowds(make(vectors), shuffled_blocks(vectors, 64), 3, lowest):
        np.testing.assert_allclose(part.beside, expected[part.asked], atol=1e-3)
        others = Counter([*part.pairs.a.tolist(), *part.pairs.b.tolist()])
        assert all(others[position] >= 3 for position in part.asked.tolist() if lowest == -1)


@pytest.mark.parametrize("width", [64, 1000, 5000])
@pytest.mark.parametrize("height", [7, 50])
def test_tiles_are_an_exact_search(
    width: int, height: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("simsearch.search.searchers.tiles._WIDTH", width)
    monkeypatch.setattr("simsearch.search.searchers.tiles._HEIGHT", height)
    tiles = Tiles(*shape(GROUPS), shuffled_blocks(GROUPS), "cpu")
    queries = GROUPS[:50]
    expected = np.sort(queries @ GROUPS.T, axis=1)[:, ::-1]
    for k in (1, 7, 100, 2000):
        cosines, positions = tiles.search(queries, k)
        assert cosines.shape == positions.shape == (50, min(k, len(GROUPS)))
        assert np.allclose(cosines, expected[:, :k], atol=1e-6)
        assert np.allclose(cosines, np.einsum("qd,qkd->qk", queries, GROUPS[positions]), atol=1e-6)
        assert all(len(set(row)) == len(row) for row in positions.tolist())


def cells_of(vectors: Vectors) -> Cells:
    return Cells(*shape(vectors), lambda: shuffled_blocks(vectors), scratch())


@pytest.mark.parametrize("products", [100, 1 << 26])
def test_cells_find_most_and_nothing_wrong(products: int, monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = clustered(4000, 32, seed=9)
    monkeypatch.setattr(cells, "_CELL", 50)
    monkeypatch.setattr(cells, "_PRODUCTS", products)
    made = cells_of(vectors)
    cosines, positions = made.search(vectors, 5)
    assert made.size == len(vectors)
    assert (positions[:, 0] == np.arange(len(vectors))).mean() > 0.999
    exact = np.einsum("qd,qkd->qk", vectors, vectors[positions])
    assert np.abs(cosines - exact).max() < SCORE_ERROR + 2e-3  # rounded to 16 bits
    found, _ = over(made, vectors, 0.9)
    expected = pairs_of_contents(vectors, 0.9)
    assert as_dict(found).items() <= expected.items()
    assert len(found.a) >= 0.98 * len(expected) > 100
    _, everything = made.search(vectors[:3], 4000)
    visited = [row[row >= 0] for row in everything]
    assert all(0 < len(row) < 4000 and len(set(row.tolist())) == len(row) for row in visited)


def test_many_identical_vectors_and_empty_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = np.concatenate(
        [np.repeat(clustered(1, 16, seed=1), 900, axis=0), clustered(100, 16, seed=2)]
    )
    monkeypatch.setattr(cells, "_CELL", 20)
    found, crowded = over(cells_of(vectors), vectors, 0.99)
    assert crowded >= set(range(900))
    assert len(found.a) < 5 * len(vectors)


def test_what_memory_has_no_room_for_lies_in_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    expected = cells_of(GROUPS).search(GROUPS, 5)
    monkeypatch.setattr(cells, "free_memory", lambda: 1000)
    made = Cells(*shape(GROUPS), lambda: shuffled_blocks(GROUPS), tmp_path)
    assert isinstance(made._vectors, np.memmap)
    assert np.array_equal(made.search(GROUPS, 5), expected)
    usage = namedtuple("usage", "free")
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage(99))
    with pytest.raises(StorageError, match=r"has no room for 0\.0 GB while all vectors"):
        Cells(*shape(GROUPS), lambda: shuffled_blocks(GROUPS), tmp_path)


def test_how_long_it_takes_grows_with_the_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choose, "_products_a_second", lambda: 1e9)
    seconds = [choose.expected_seconds(n, 100) for n in (10, 10_000, 100_000, 10**6)]
    assert seconds[0] == 0
    assert 50 <= seconds[1] <= 100
    assert seconds[3] < 20 * seconds[2] < 400 * seconds[1]


def test_the_speed_is_tried() -> None:
    assert 1e6 < choose._products_a_second() < 1e16


def test_no_score_is_over_1() -> None:
    vectors = np.array([[1.001, 0], [1.002, 0]], np.float32)
    pairs = score_pairs(np.array([0]), np.array([1]), vectors, 1.0)
    assert pairs.scores.tolist() == [1.0]
