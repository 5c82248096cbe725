"""Drawing from vectors that come in blocks."""

import numpy as np
import pytest

from tests.index.vectors import clustered, source_of

VECTORS = clustered(100, 8, seed=1)


def rows_of(sample: np.ndarray[tuple[int, int], np.dtype[np.float32]]) -> list[int]:
    """Return which row of VECTORS each vector is."""
    return [int(np.nonzero((vector == VECTORS).all(axis=1))[0][0]) for vector in sample]


@pytest.mark.parametrize("block_rows", [1, 7, 100, 1000])
@pytest.mark.parametrize("count", [0, 1, 30, 99])
def test_sample_is_distinct_and_in_order(block_rows: int, count: int) -> None:
    sample = source_of(VECTORS, block_rows).sample(count, seed=2)
    assert sample.shape == (count, 8)
    assert sample.dtype == np.float32
    rows = rows_of(sample)
    assert rows == sorted(set(rows))
    assert rows == rows_of(source_of(VECTORS, 100).sample(count, seed=2)), "blocks do not matter"


@pytest.mark.parametrize("count", [100, 101, 10**6])
def test_large_sample_is_everything(count: int) -> None:
    assert np.array_equal(source_of(VECTORS, 30).sample(count, seed=2), VECTORS)


def test_every_vector_can_be_drawn() -> None:
    drawn = {row for seed in range(60) for row in rows_of(source_of(VECTORS).sample(10, seed))}
    assert len(drawn) == 100


def test_sample_of_nothing_is_empty() -> None:
    assert source_of(VECTORS[:0]).sample(5, seed=1).shape == (0, 8)


@pytest.mark.parametrize("block_rows", [1, 7, 100])
@pytest.mark.parametrize("rows", [[], [0], [99], [3, 4, 50, 98]])
def test_take_returns_the_rows(block_rows: int, rows: list[int]) -> None:
    taken = source_of(VECTORS, block_rows).take(np.array(rows, np.int64))
    assert np.array_equal(taken, VECTORS[rows])
