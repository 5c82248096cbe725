"""The way over the GPUs, with faiss's device functions replaced by ones that take notes."""

from typing import Any

import faiss
import numpy as np
import pytest

from simsearch.index.recipes import load_recipe
from tests.index.vectors import clustered, source_of

VECTORS = clustered(1000, 16, seed=1)
FROM_GPU = object()


class OnGpu:
    """Stands for an index on the GPUs; notes what is done to it."""

    def __init__(self, calls: list[tuple[str, Any]]) -> None:
        self._calls = calls

    def train(self, vectors: np.ndarray[Any, Any]) -> None:
        """Note the call."""
        self._calls.append(("train", vectors))

    def add(self, vectors: np.ndarray[Any, Any]) -> None:
        """Note the call."""
        self._calls.append(("add", vectors))


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """Return what was done, in order."""
    noted: list[tuple[str, Any]] = []
    on_gpu = OnGpu(noted)

    def to_gpus(index: Any, co: Any = None, ngpu: int = -1) -> OnGpu:
        noted.append(("to_gpus", (index, ngpu)))
        return on_gpu

    def to_cpu(index: Any) -> object:
        assert index is on_gpu
        noted.append(("to_cpu", index))
        return FROM_GPU

    monkeypatch.setattr(faiss, "index_cpu_to_all_gpus", to_gpus, raising=False)
    monkeypatch.setattr(faiss, "index_gpu_to_cpu", to_cpu, raising=False)
    return noted


def filled(name: str, gpus: int) -> Any:
    """Return a recipe's index of VECTORS."""
    recipe, source = load_recipe(name), source_of(VECTORS, block_rows=400)
    return recipe.add(recipe.train(source, gpus), source)


@pytest.mark.parametrize("name", ["ivf", "ivf_sq8"])
@pytest.mark.parametrize("gpus", [1, 3])
def test_trained_and_filled_on_the_gpus(calls: list[tuple[str, Any]], name: str, gpus: int) -> None:
    assert filled(name, gpus) is FROM_GPU
    assert [call for call, _ in calls] == ["to_gpus", "train", "add", "add", "add", "to_cpu"]
    (index, ngpu), training = calls[0][1], calls[1][1]
    assert ngpu == gpus
    assert (index.ntotal, index.is_trained, index.cp.spherical) == (0, False, True)
    assert index.metric_type == faiss.METRIC_INNER_PRODUCT
    assert len(training) >= 39 * index.nlist, "faiss warns of fewer"
    assert np.array_equal(np.concatenate([block for _, block in calls[2:5]]), VECTORS)


@pytest.mark.parametrize("name", ["ivf", "ivf_sq8"])
def test_without_a_gpu_none_is_asked(calls: list[tuple[str, Any]], name: str) -> None:
    assert filled(name, 0).ntotal == len(VECTORS)
    assert calls == []


@pytest.mark.parametrize("name", ["flat", "hnsw"])
def test_other_recipes_stay_on_the_cpu(calls: list[tuple[str, Any]], name: str) -> None:
    assert filled(name, 2).ntotal == len(VECTORS)
    assert calls == []
