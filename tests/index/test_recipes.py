"""What every recipe promises, whatever it builds."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simsearch.index.build import build_index
from simsearch.index.extension import extend_index, plan_extension
from simsearch.index.persist import load_index, load_keys, save_index
from simsearch.index.recipes import Recipe, Vectors, load_recipe, recipe_names
from simsearch.index.vector_index import VectorIndex
from simsearch.metrics import recall_at_k
from simsearch.records import SearchTuning
from tests.index.pretended_gpus import pretend_gpus
from tests.index.vectors import (
    around,
    clustered,
    cosines_of,
    nearest,
    one_row_each,
    source_of,
    unit,
)

N, DIM, HELD_OUT = 4000, 64, 200
EVERYTHING = clustered(N + HELD_OUT, DIM, seed=1)
STORED, QUERIES = EVERYTHING[:N], EVERYTHING[N:]
LEFT = np.flatnonzero(np.arange(N) % 7)
KEYS = np.array([str(place).encode() for place in range(N)])


@pytest.fixture(scope="module", autouse=True)
def _fake_gpu() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        pretend_gpus(patch)
        yield


def gpus_of(name: str) -> int:
    """Return how many GPUs a recipe needs; pretended ones, on which the CPU does the work."""
    return int(load_recipe(name).gpu_only)


@pytest.fixture(scope="module", params=recipe_names())
def name(request: pytest.FixtureRequest) -> str:
    """Return each recipe's name."""
    return str(request.param)


@pytest.fixture(scope="module")
def recipe(name: str) -> Recipe:
    """Return each recipe."""
    return load_recipe(name)


@pytest.fixture(scope="module")
def index(name: str) -> VectorIndex:
    """Return each recipe's index of STORED, read in six blocks."""
    return build_index(name, source_of(STORED), one_row_each(N), gpus=gpus_of(name))


def filled(recipe: Recipe, vectors: Vectors) -> Any:
    """Return a recipe's faiss index of vectors that come in small blocks."""
    source = source_of(vectors, block_rows=max(len(vectors) // 5, 2))
    gpus = int(recipe.gpu_only)
    return recipe.add(recipe.train(source, gpus), source, gpus)


def test_recipes_are_found() -> None:
    assert recipe_names() == [
        "cagra",
        "flat",
        "flat_f32",
        "hnsw",
        "hnsw_f32",
        "ivf",
        "ivf_pq_refined",
        "ivf_rabitq_refined",
        "ivf_sq8",
    ]


def test_unknown_recipe() -> None:
    with pytest.raises(ModuleNotFoundError):
        load_recipe("none")


def test_efforts_ascend(recipe: Recipe) -> None:
    assert list(recipe.efforts) == sorted(set(recipe.efforts))
    assert bool(recipe.efforts) == bool(recipe.knob) != recipe.exact


def test_memory_grows_with_size_and_dim(recipe: Recipe) -> None:
    table = [[recipe.memory(n, dim) for n in (1, 10, 1000, 10**6)] for dim in (1, 64, 1280)]
    for same_dim in table:
        assert same_dim == sorted(set(same_dim))
    for same_n in zip(*table, strict=True):
        assert list(same_n) == sorted(set(same_n))
    assert table[0][0] > 0


def test_positions_are_in_the_source_s_order(index: VectorIndex) -> None:
    assert index.size == N
    _, positions = index.search(STORED, 1)
    found_itself = (positions[:, 0] == np.arange(N)).mean()
    assert found_itself == 1 if index.recipe.exact else found_itself >= 0.99


@pytest.mark.parametrize("exact", [name for name in recipe_names() if load_recipe(name).exact])
def test_exact_recipe_equals_brute_force(exact: str) -> None:
    index = build_index(exact, source_of(STORED), one_row_each(N), gpus=0)
    cosines, positions = index.search(QUERIES, 10)
    true_cosines, true_positions = nearest(QUERIES, STORED, 10)
    assert np.array_equal(positions, true_positions)
    assert cosines == pytest.approx(true_cosines, abs=1e-5)


def test_recall_of_vectors_that_are_not_stored(index: VectorIndex) -> None:
    _, positions = index.search(QUERIES, 10)
    found = cosines_of(QUERIES, STORED, positions)
    assert recall_at_k(found, nearest(QUERIES, STORED, 10)[0]) >= 0.98


def test_cosines_are_as_near_as_the_recipe_says(index: VectorIndex) -> None:
    cosines, positions = index.search(STORED[:500], 50)
    error = np.abs(cosines - cosines_of(STORED[:500], STORED, positions))
    assert error.max() <= index.recipe.score_error


def test_answers_are_ordered_and_distinct(index: VectorIndex) -> None:
    cosines, positions = index.search(QUERIES, 30)
    assert (np.diff(cosines, axis=1) <= 0).all()
    assert all(len(set(row)) == 30 for row in positions.tolist())


def test_saved_and_loaded_index_answers_the_same(
    name: str, index: VectorIndex, tmp_path: Path
) -> None:
    info = save_index(tmp_path, "built-now", name, index, KEYS, time.perf_counter())
    loaded = load_index(tmp_path, info)
    assert (loaded.recipe, loaded.tuning, loaded.size) == (index.recipe, index.tuning, N)
    assert np.array_equal(loaded.postings, index.postings)
    before, after = index.search(QUERIES, 20), loaded.search(QUERIES, 20)
    assert np.array_equal(before[0], after[0])
    assert np.array_equal(before[1], after[1])


def test_building_again_gives_the_same_effort(name: str, index: VectorIndex) -> None:
    source = source_of(STORED, block_rows=N)
    again = build_index(name, source, one_row_each(N), gpus=gpus_of(name))
    if name in {"hnsw", "cagra"}:  # built by several threads: the graph differs a little
        assert again.tuning.effort in index.recipe.efforts
    else:
        assert again.tuning.effort == index.tuning.effort


@pytest.mark.usefixtures("one_search_thread")
@pytest.mark.parametrize("noise", [0.3, 0.1, 0.02, 0.001])
@pytest.mark.parametrize("near", [None, 5], ids=["alone", "in a cluster"])
def test_near_identical_vectors_find_each_other(
    recipe: Recipe, noise: float, near: int | None
) -> None:
    center = unit(np.random.default_rng(2).normal(size=(1, DIM))) if near is None else STORED[near]
    group = around(center, 300, noise, seed=3)
    mixed = np.concatenate([STORED[:2000], group])
    mixed = mixed[np.random.default_rng(4).permutation(len(mixed))]
    index = VectorIndex(filled(recipe, mixed), recipe, SearchTuning(64), one_row_each(len(mixed)))
    _, positions = index.search(group, 300)
    found = cosines_of(group, mixed, positions)
    assert recall_at_k(found, nearest(group, mixed, 300)[0], tolerance=1e-3) >= 0.999


@pytest.mark.parametrize("n", [2, 5, 45])
def test_few_vectors_are_all_found(recipe: Recipe, n: int) -> None:
    if n < recipe.fewest:
        pytest.skip("meant for more")
    effort = max(recipe.efforts, default=0)
    index = VectorIndex(filled(recipe, STORED[:n]), recipe, SearchTuning(effort), one_row_each(n))
    _, positions = index.search(STORED[:n], 100)
    assert np.array_equal(np.sort(positions, axis=1), np.tile(np.arange(n), (n, 1)))


def test_rare_values_outside_the_training_sample(
    recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("simsearch.index.recipes._inverted._TRAINING_PER_LIST", 4)
    heavy_tailed = unit(np.random.default_rng(4).standard_t(2, (3000, DIM)))
    most = SearchTuning(max(recipe.efforts, default=0))
    index = VectorIndex(filled(recipe, heavy_tailed), recipe, most, one_row_each(3000))
    cosines, positions = index.search(heavy_tailed[:300], 10)
    error = np.abs(cosines - cosines_of(heavy_tailed[:300], heavy_tailed, positions))
    assert error.max() <= recipe.score_error


@pytest.fixture(scope="module")
def extended(name: str, recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> VectorIndex:
    """Return an index of all but every seventh of STORED that was built with the first half."""
    if not recipe.growth:
        pytest.skip("takes no additions")
    home, half = tmp_path_factory.mktemp("home"), N // 2
    first = build_index(name, source_of(STORED[:half]), one_row_each(half), gpus_of(name))
    info = save_index(home, "first", name, first, KEYS[:half], time.perf_counter())
    keys, trained = load_keys(home, info)
    assert trained == half
    change = plan_extension(keys, KEYS[LEFT])
    assert change.tombstones == np.count_nonzero(np.arange(half) % 7 == 0)
    loaded = load_index(home, info, to_extend=True)
    added = source_of(STORED[LEFT][change.missing])
    index = extend_index(loaded, change, added, one_row_each(len(LEFT)))
    again = save_index(home, "second", name, index, KEYS, time.perf_counter())
    return load_index(home, again)


def test_extended_index_finds_what_one_built_at_once_does(extended: VectorIndex) -> None:
    assert extended.size == len(LEFT)
    cosines, positions = extended.search(QUERIES, 10)
    found = cosines_of(QUERIES, STORED[LEFT], positions)
    assert recall_at_k(found, nearest(QUERIES, STORED[LEFT], 10)[0]) >= 0.98
    assert np.abs(cosines - found).max() <= extended.recipe.score_error
    _, own = extended.search(STORED[LEFT], 1)
    assert (own[:, 0] == np.arange(len(LEFT))).mean() >= 0.98


def test_all_that_is_left_can_be_found(extended: VectorIndex) -> None:
    most = replace(extended, tuning=SearchTuning(max(extended.recipe.efforts)))
    _, positions = most.search(QUERIES[:3], 10**6)
    assert np.array_equal(np.sort(positions, axis=1), np.tile(np.arange(len(LEFT)), (3, 1)))


def test_rows_of_an_extended_index(extended: VectorIndex) -> None:
    assert np.array_equal(extended.postings, one_row_each(len(LEFT)))
