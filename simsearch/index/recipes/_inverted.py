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
_REFINED = "Refine"  # of factory strings
_CANDIDATES = 400  # of a refined index that are sorted again, at least
_GPU_WORKSPACE = 3 << 29  # bytes that faiss takes of a GPU, whatever it is for
_ROOM = 0.1  # of the range of an 8-bit number, on either side
_SEED = 1234


@dataclass(frozen=True, slots=True)
class Inverted:
    """See Recipe; effort is nprobe.

    Attributes:
        storage: returns how vectors of a length are kept, as faiss's factory calls it.
        vector_bytes: returns how many bytes one takes.
    """

    storage: Callable[[int], str]
    vector_bytes: Callable[[int], int]
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
        return f"IVF{_count_lists(n)},{self.storage(dim)}"

    def train(self, source: VectorSource, gpus: int) -> Any:
        """See Recipe; on a sample."""
        text = self.factory(source.n, source.dim)
        index = faiss.index_factory(source.dim, text, source.faiss_metric)
        inverted = faiss.extract_index_ivf(index)
        inverted.cp.seed = _SEED
        inverted.cp.spherical = source.metric == "cosine"
        training = source.sample(inverted.nlist * _TRAINING_PER_LIST, _SEED)
        if isinstance(index, faiss.IndexIVFScalarQuantizer):
            # The vectors themselves, not their residuals: in 16 bits that loses nothing.
            index.by_residual = False
        if "SQ8" in text:
            # Values outside the range met in training would be clipped, and their scores far off:
            # all that are known are met, and there is room for additions.
            training = np.concatenate([training, _extremes(source)])
            refining = _REFINED in text
            coded = faiss.downcast_index(index.refine_index) if refining else index
            coded.sq.rangestat_arg = _ROOM
        if gpus:
            centres = faiss.IndexFlat(source.dim, source.faiss_metric)
            inverted.clustering_index = faiss.index_cpu_to_all_gpus(centres, ngpu=gpus)
        index.train(training)
        inverted.clustering_index = None
        return index

    def add(self, index: Any, source: VectorSource, gpus: int) -> Any:
        """See Recipe."""
        if not gpus:
            return add_blocks(index, source)
        with _assigned_by_gpus(faiss.extract_index_ivf(index), gpus):
            return add_blocks(index, source)

    def search_parameters(self, index: Any, effort: int, k: int, selector: Any) -> Any:
        """See Recipe."""
        if not isinstance(index, faiss.IndexRefine):
            return faiss.SearchParametersIVF(nprobe=effort, sel=selector)
        # faiss's fast scan visits lists that do not exist where it is asked for more than there are
        visited = min(effort, faiss.extract_index_ivf(index).nlist)
        lists = faiss.SearchParametersIVF(nprobe=visited, sel=selector)
        return faiss.IndexRefineSearchParameters(
            k_factor=max(_CANDIDATES / k, 4), base_index_params=lists
        )


@contextmanager
def _assigned_by_gpus(inverted: Any, gpus: int) -> Iterator[None]:
    """Let all GPUs, each with all centres, find the list of what is added meanwhile."""
    centres = inverted.quantizer
    everywhere = faiss.index_cpu_to_all_gpus(centres, ngpu=gpus)
    inverted.own_fields = False
    inverted.quantizer = everywhere
    try:
        yield
    finally:
        inverted.quantizer = centres
        inverted.own_fields = True


def _count_lists(n: int) -> int:
    return max(1, min(4 * math.isqrt(n), n // _TRAINING_PER_LIST))


def _extremes(source: VectorSource) -> Vectors:
    """Return the vectors with the lowest and the highest value of each dimension."""
    kept = np.empty((0, source.dim), np.float32)
    for block in source.blocks():
        vectors = np.concatenate([kept, block])
        kept = vectors[np.unique([vectors.argmin(axis=0), vectors.argmax(axis=0)])]
    return kept
