"""Search the inverted lists nearest to a query (faiss.IndexIVF).

GPUs find the centres of the lists and which list a vector belongs to, which is nearly all of the
work; the lists themselves stay in main memory, however many there are.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import faiss
import numpy as np

from simsearch.index.recipes import Vectors, VectorSource, add_blocks

_TRAINING_PER_LIST = 40
_CANDIDATES = 400  # of a refined index that are sorted again, at least
_CANDIDATES_A_LIST = 8
_GPU_WORKSPACE = 3 << 29  # bytes that faiss takes of a GPU, whatever it is for
_DEVIATIONS = 5  # standard ones that the range of an 8-bit number has at least on either side
_BLOCK = 4096  # vectors that are turned at once
_SEED = 1234


@dataclass(frozen=True, slots=True)
class Inverted:
    """See Recipe; effort is nprobe.

    Attributes:
        storage: returns how vectors of a length are kept, as faiss's factory calls it.
        vector_bytes: returns how many bytes one takes.
        rotated: whether vectors are turned at random first: then no number has rare large values,
            for whose sake steps of 8 bits would have to be coarse.
    """

    storage: Callable[[int], str]
    vector_bytes: Callable[[int], int]
    rotated: bool = True
    score_error: float = 1e-2
    exact: bool = False
    efforts: tuple[int, ...] = (8, 16, 32, 64, 128, 256, 512, 1024)
    knob: str = "nprobe"
    fewest: int = 1
    gpu_only: bool = False
    growth: float = 2  # the lists grow with it, and what was learned ages

    def memory(self, n: int, dim: int) -> int:
        """See Recipe."""
        training = 4 * dim * _count_lists(n) * _TRAINING_PER_LIST
        return n * (self.vector_bytes(dim) + 8) + training

    def gpu_memory(self, n: int, dim: int) -> int:
        """See Recipe: the centres, and those of the round before."""
        return _GPU_WORKSPACE + 2 * 4 * dim * _count_lists(n)

    def factory(self, n: int, dim: int) -> str:
        """See Recipe."""
        return f"{f'RR{dim},' if self.rotated else ''}{self._lists(n, dim)}"

    def _lists(self, n: int, dim: int) -> str:
        return f"IVF{_count_lists(n)},{self.storage(dim)}"

    def train(self, source: VectorSource, gpus: int) -> Any:
        """See Recipe; on a sample."""
        index = faiss.index_factory(
            source.dim, self._lists(source.n, source.dim), source.faiss_metric
        )
        inverted = faiss.downcast_index(faiss.extract_index_ivf(index))
        inverted.cp.seed = _SEED
        inverted.cp.spherical = source.metric == "cosine"
        if isinstance(inverted, faiss.IndexIVFScalarQuantizer):
            inverted.by_residual = False  # in 16 bits that loses nothing, in 8 its range is unknown
        training = source.sample(inverted.nlist * _TRAINING_PER_LIST, _SEED)
        if gpus:
            centres = faiss.IndexFlat(source.dim, source.faiss_metric)
            everywhere = faiss.index_cpu_to_all_gpus(centres, ngpu=gpus)
            inverted.clustering_index = everywhere
            everywhere.thisown = True  # which faiss takes, and never frees
        if self.rotated:
            rotation = faiss.RandomRotationMatrix(source.dim, source.dim)
            rotation.init(_SEED)
            for start in range(0, len(training), _BLOCK):
                block = training[start : start + _BLOCK]
                block[:] = rotation.apply(block)
        index.train(training)
        inverted.clustering_index = None
        if not self.rotated:
            return index
        coded = faiss.downcast_index(getattr(index, "refine_index", index))
        if hasattr(coded, "sq"):
            coded.sq.train(_spans(source, rotation))
        return faiss.IndexPreTransform(rotation, index)

    def add(self, index: Any, source: VectorSource, gpus: int) -> Any:
        """See Recipe."""
        if not gpus:
            return add_blocks(index, source)
        with _assigned_by_gpus(faiss.extract_index_ivf(index), gpus):
            return add_blocks(index, source)

    def search_parameters(self, index: Any, effort: int, k: int, selector: Any) -> Any:
        """See Recipe."""
        if not isinstance(_turned(index), faiss.IndexRefine):
            return faiss.SearchParametersIVF(nprobe=effort, sel=selector)
        # faiss's fast scan visits lists that do not exist where it is asked for more than there are
        visited = min(effort, faiss.extract_index_ivf(index).nlist)
        lists = faiss.SearchParametersIVF(nprobe=visited, sel=selector)
        candidates = max(_CANDIDATES, _CANDIDATES_A_LIST * effort, 4 * k)
        return faiss.IndexRefineSearchParameters(k_factor=candidates / k, base_index_params=lists)


def _turned(index: Any) -> Any:
    """Return what gets the vectors of an index once they are turned."""
    turns = isinstance(index, faiss.IndexPreTransform)
    return faiss.downcast_index(index.index) if turns else index


@contextmanager
def _assigned_by_gpus(inverted: Any, gpus: int) -> Iterator[None]:
    """Let all GPUs, each with all centres, find the list of what is added meanwhile."""
    centres = inverted.quantizer
    everywhere = faiss.index_cpu_to_all_gpus(centres, ngpu=gpus)
    inverted.own_fields = False
    inverted.quantizer = everywhere
    everywhere.thisown = True  # which faiss takes, and never frees
    try:
        yield
    finally:
        inverted.quantizer = centres
        inverted.own_fields = True


def _count_lists(n: int) -> int:
    return max(1, min(4 * math.isqrt(n), n // _TRAINING_PER_LIST))


def _spans(source: VectorSource, rotation: Any) -> Vectors:
    """Return vectors between which the others lie, [4, dim], once turned.

    What lies outside would be clipped, and its scores far off; faiss looks at a sample only. There
    is room for additions: few vectors have not shown yet how far others will reach.
    """
    low, high = np.full((2, source.dim), np.inf) * [[1], [-1]]
    total, squares = np.zeros((2, source.dim))
    for block in source.blocks():
        turned = rotation.apply(block).astype(np.float64)
        low, high = np.minimum(low, turned.min(axis=0)), np.maximum(high, turned.max(axis=0))
        total, squares = total + turned.sum(axis=0), squares + (turned**2).sum(axis=0)
    mean = total / source.n
    reach = _DEVIATIONS * np.sqrt(np.maximum(squares / source.n - mean**2, 0))
    spans = np.stack([low, high, mean - reach, mean + reach]).astype(np.float32)
    return spans.clip(-1, 1) if source.metric == "cosine" else spans
