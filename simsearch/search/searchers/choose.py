"""Which searcher answers a join soonest: by the number of vectors and the machine."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from simsearch.index.choose import EXACT_UP_TO
from simsearch.index.device import count_gpus
from simsearch.search.searchers import Blocks, Searcher, cells
from simsearch.search.searchers.cells import Cells
from simsearch.search.searchers.matrix import Matrix
from simsearch.search.searchers.tiles import PICKING, Tiles

_FEW = 2_000  # vectors that are compared before torch is imported
_GPU_SHARE = 0.6  # of the GPU's free memory, for the vectors
_TRIAL = 1536  # numbers a side of the matrices that the speed is tried with
_OVERHEAD = 1.5  # times as long as the matrix products alone


def searcher_of(size: int, dim: int, blocks: Callable[[], Blocks], folder: Path) -> Searcher:
    """Return what finds the neighbours of very many vectors in the least time.

    All of them are compared by a matrix product while they are few, or a GPU holds them; more are
    sorted into cells.

    Args:
        blocks: opens a pass over all vectors.
        folder: has room for as many vectors as memory has not.
    """
    if count_gpus():
        import torch

        needed = 2 * size * dim
        if torch.cuda.is_available() and needed <= _GPU_SHARE * torch.cuda.mem_get_info()[0]:
            return Tiles(size, dim, blocks(), "cuda")
    if size <= _FEW:
        return Matrix(size, dim, blocks())
    if size <= EXACT_UP_TO:
        return Tiles(size, dim, blocks(), "cpu")
    return Cells(size, dim, blocks, folder)


def expected_seconds(size: int, dim: int) -> float:
    """Return about how long a join takes on a CPU, by a trial of how fast that multiplies."""
    if size <= _FEW:
        return 0.0
    few = size <= EXACT_UP_TO
    products = size * size * (dim + PICKING) if few else cells.products(size, dim)
    return _OVERHEAD * products / _products_a_second()


def _products_a_second() -> float:
    one = np.ones((_TRIAL, _TRIAL), np.float32)
    times = []
    for _ in range(3):
        started = time.perf_counter()
        one @ one
        times.append(time.perf_counter() - started)
    return float(_TRIAL**3 / min(times))
