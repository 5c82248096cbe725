"""The way over the GPUs; an index on the CPU stands for the one that faiss would put there."""

import gc
from typing import Any

import faiss
import numpy as np
import pytest

from simsearch.index.recipes import load_recipe
from tests.index.vectors import clustered, source_of

VECTORS = clustered(4000, 16, seed=1)
INVERTED = ["ivf", "ivf_sq8", "ivf_pq_refined", "ivf_rabitq_refined"]


class Gpus:
    """What stands for the GPUs.

    Attributes:
        indices: what was put there, in order; one that came with centres has them backwards, so
            that its answers are told from those of the CPU.
    """

    def __init__(self) -> None:
        self.indices: list[Any] = []
        self.counts: list[int] = []

    def take(self, index: Any, co: Any = None, ngpu: int = -1) -> Any:
        """Stand for faiss.index_cpu_to_all_gpus."""
        assert co is None, "by default each GPU has all centres, and a share of the questions"
        taken = faiss.IndexFlat(index.d, index.metric_type)
        if index.ntotal:
            taken.add(index.reconstruct_n(0, index.ntotal)[::-1].copy())
        self.indices.append(taken)
        self.counts.append(ngpu)
        return taken


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch) -> Gpus:
    """Return the GPUs that faiss seems to have."""
    made = Gpus()
    monkeypatch.setattr(faiss, "index_cpu_to_all_gpus", made.take, raising=False)
    return made


def filled(name: str, gpus: int) -> Any:
    """Return a recipe's index of VECTORS."""
    recipe, source = load_recipe(name), source_of(VECTORS)
    return recipe.add(recipe.train(source, gpus), source, gpus)


@pytest.mark.parametrize("name", INVERTED)
@pytest.mark.parametrize("count", [1, 3])
def test_gpus_find_the_centres_and_the_lists(gpus: Gpus, name: str, count: int) -> None:
    whole = filled(name, count)
    index = faiss.extract_index_ivf(whole)
    training, filling = gpus.indices
    assert gpus.counts == [count, count]
    assert training.thisown, "else nobody frees it"
    assert filling.thisown
    centres = index.quantizer.reconstruct_n(0, index.nlist)
    assert np.array_equal(training.reconstruct_n(0, training.ntotal), centres)
    turns = isinstance(whole, faiss.IndexPreTransform)
    _, lists = filling.search(whole.chain.at(0).apply(VECTORS) if turns else VECTORS, 1)
    sizes = [index.invlists.list_size(number) for number in range(index.nlist)]
    assert np.array_equal(sizes, np.bincount(lists[:, 0], minlength=index.nlist))


@pytest.mark.parametrize("name", INVERTED)
def test_nothing_of_the_gpus_is_left(gpus: Gpus, name: str) -> None:
    index = filled(name, 1)
    inverted = faiss.extract_index_ivf(index)
    assert inverted.clustering_index is None
    assert inverted.own_fields
    gpus.indices.clear()
    gc.collect()
    restored = faiss.deserialize_index(faiss.serialize_index(index))
    assert (restored.ntotal, type(restored)) == (len(VECTORS), type(filled(name, 0)))


def test_a_failure_leaves_the_lists_to_the_cpu(gpus: Gpus) -> None:
    recipe = load_recipe("ivf")
    index = recipe.train(source_of(VECTORS), 1)
    before = int(index.quantizer.this)
    with pytest.raises(AssertionError):
        recipe.add(index, source_of(VECTORS[:, :8]), 1)
    assert int(index.quantizer.this) == before
    assert index.own_fields


@pytest.mark.parametrize("name", INVERTED)
def test_without_a_gpu_none_is_asked(gpus: Gpus, name: str) -> None:
    assert filled(name, 0).ntotal == len(VECTORS)
    assert not gpus.indices


@pytest.mark.parametrize("name", ["flat", "hnsw"])
def test_other_recipes_stay_on_the_cpu(gpus: Gpus, name: str) -> None:
    assert filled(name, 2).ntotal == len(VECTORS)
    assert not gpus.indices
