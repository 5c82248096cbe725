"""Batches are made and taken apart again without a picture changing its place."""

from collections.abc import Iterable, Iterator

import numpy as np
import pytest

from simsearch.encoder.embed import embed, normalized
from simsearch.encoder.runtimes import Pixels, Vectors


class MeanColours:
    """A runtime whose vector is the mean colour; it works ahead by two batches, as real ones do."""

    precision = "f32"

    def __init__(self, batch_size: int) -> None:
        self.batch_size = batch_size
        self.sizes: list[int] = []

    def run(self, batches: Iterable[Pixels]) -> Iterator[Vectors]:
        ahead: list[Vectors] = []
        for batch in batches:
            assert batch.dtype == np.uint8
            self.sizes.append(len(batch))
            ahead.append(batch.mean(axis=(1, 2), dtype=np.float32))
            if len(ahead) > 2:
                yield ahead.pop(0)
        yield from ahead


def pictures(count: int) -> list[tuple[str, Pixels]]:
    rng = np.random.default_rng(count)
    return [(f"key-{i}", rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)) for i in range(count)]


@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 8, 17])
@pytest.mark.parametrize("batch_size", [1, 4, 100])
def test_each_key_gets_its_own_unit_vector(count: int, batch_size: int) -> None:
    given = pictures(count)
    runtime = MeanColours(batch_size)
    result = list(embed(runtime, given))
    assert [key for key, _ in result] == [key for key, _ in given]
    for (_, vector), (_, picture) in zip(result, given, strict=True):
        mean = picture.reshape(-1, 3).astype(np.float64).mean(axis=0)
        np.testing.assert_allclose(vector, mean / np.sqrt((mean**2).sum()), rtol=1e-5)
    whole, rest = divmod(count, batch_size)
    assert runtime.sizes == [batch_size] * whole + [rest] * bool(rest)


def test_pictures_are_taken_as_they_are_needed() -> None:
    taken = 0

    def endless() -> Iterator[tuple[int, Pixels]]:
        nonlocal taken
        while True:
            taken += 1
            yield taken, np.full((4, 4, 3), taken % 255, dtype=np.uint8)

    vectors = embed(MeanColours(4), endless())
    for expected in range(1, 101):
        key, _ = next(vectors)
        assert key == expected
        assert taken <= expected + 4 * 4


def test_what_the_source_raises_comes_through() -> None:
    def failing() -> Iterator[tuple[str, Pixels]]:
        yield from pictures(3)
        raise KeyError("source")

    with pytest.raises(KeyError, match="source"):
        list(embed(MeanColours(2), failing()))


def test_rows_become_unit_vectors_and_zeros_stay() -> None:
    rows = np.array([[3, 4], [0, 0], [1e-5, 0], [-1e10, 0]], dtype=np.float32)
    expected = np.array([[0.6, 0.8], [0, 0], [1, 0], [-1, 0]], dtype=np.float32)
    np.testing.assert_allclose(normalized(rows), expected, rtol=1e-6)
    assert normalized(rows).dtype == np.float32
