"""Engines that stay on a GPU, on indices of the CPU that stand for those of a GPU."""

from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest

from simsearch.bench.recall.engines import Engine, load_engine
from simsearch.bench.recall.run import ON_GPU
from simsearch.errors import DeviceError
from tests.index.pretended_gpus import pretend_gpus
from tests.index.vectors import clustered, nearest, source_of

VECTORS = clustered(3000, 16, seed=3)
QUERIES = clustered(50, 16, seed=4)


def built(name: str) -> Engine:
    engine, source = load_engine(name), source_of(VECTORS)
    engine.train(source, 1)
    engine.add(source)
    engine.prepare(engine.efforts[-1], 1)
    return engine


@pytest.mark.parametrize("name", ON_GPU)
def test_neighbours_are_those_of_brute_force(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_gpus(monkeypatch)
    found = built(name).search(QUERIES, 10)
    _, truth = nearest(QUERIES, VECTORS, 10)
    assert found.dtype == np.int64
    share = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(found, truth, strict=True)])
    assert share > 0.95


@pytest.mark.parametrize("name", ON_GPU)
def test_what_is_saved_a_cpu_searches(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pretend_gpus(monkeypatch)
    file = tmp_path / "index"
    built(name).save(file)
    loaded: Any = faiss.read_index(str(file))
    assert loaded.ntotal == len(VECTORS)
    assert loaded.search(VECTORS[:1], 1)[1].item() == 0


@pytest.mark.parametrize("name", ON_GPU)
def test_without_a_gpu_it_is_refused(name: str) -> None:
    with pytest.raises(DeviceError, match=f"'{name}' runs on a GPU, and faiss finds none"):
        load_engine(name).train(source_of(VECTORS), 0)
