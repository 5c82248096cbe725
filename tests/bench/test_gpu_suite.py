"""The checks of the GPU suite, where the CPU does the work of GPUs that are not there."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from benchmarks.gpu import DIM, Bench, Row, pictures, vectors
from simsearch.search.searchers.tiles import Tiles
from tests.index.pretended_gpus import pretend_gpus
from tests.index.vectors import clustered


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Return 3,000 vectors, 100 queries, and a GPU."""
    pretend_gpus(monkeypatch, free=10**11)
    monkeypatch.setattr(vectors, "count_gpus", lambda: 1)
    monkeypatch.setattr(vectors, "Tiles", lambda n, dim, blocks, _: Tiles(n, dim, blocks, "cpu"))
    made = clustered(3100, DIM, seed=8)
    return Bench(made[:-100], made[-100:], tmp_path)


Check = Callable[[Bench], Iterator[Row]]


@pytest.mark.parametrize(
    "check", [vectors.exact_search, vectors.indices, vectors.all_pairs, vectors.refusals]
)
def test_what_is_compared_agrees(bench: Bench, check: Check) -> None:
    rows = list(check(bench))
    assert rows
    for row in rows:
        if row.unit in {"recall", "refusals"} and row.reach is not None:
            assert row.is_reached, row
        if "error of a cosine" in row.what:
            assert row.figure < 1e-3
        if "other than the CPU's" in row.what:
            assert row.figure == 0


def test_both_decoders_agree(bench: Bench) -> None:
    on_cpu, by_threads, by_torchvision, agreement = pictures.decoding(bench, "cpu", count=20)
    assert min(on_cpu.figure, by_threads.figure, by_torchvision.figure) > 0
    assert agreement.figure > 0.999


def test_pixels_of_any_side() -> None:
    assert pictures.made_pixels(70).shape == (64, 70, 70, 3)
    assert pictures.made_pixels(64).dtype == np.uint8
