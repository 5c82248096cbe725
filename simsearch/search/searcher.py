"""What answers a join: all vectors, kept so that very many of them can be asked at once."""

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

import numpy as np

from simsearch.index.choose import EXACT_UP_TO
from simsearch.index.device import count_gpus
from simsearch.index.recipes import Vectors
from simsearch.index.vector_index import Ids

Blocks = Iterable[tuple[Ids, Vectors]]  # (positions int64 [m], unit vectors float32 [m, dim])
_FEW = 2_000  # vectors that are compared before torch is imported
_GPU_SHARE = 0.6  # of the GPU's free memory, for the vectors
SCORE_ERROR = 1e-4  # how far the cosines that a searcher returns may be off
_TRIAL = 1536  # numbers a side of the matrices that the speed is tried with
_OVERHEAD = 1.5  # times as long as the matrix products alone


class Searcher(Protocol):
    """Whatever finds the nearest of the vectors that it has; see `VectorIndex.search`."""

    @property
    def size(self) -> int:
        """Number of positions."""
        ...

    def search(self, vectors: Vectors, k: int) -> tuple[Vectors, Ids]:
        """Return (cosines float32 [q, k], positions int64 [q, k]), best first; -1 where fewer."""
        ...


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
            from simsearch.search.tiles import Tiles

            return Tiles(size, dim, blocks(), "cuda")
    if size <= _FEW:
        return _Matrix(size, dim, blocks())
    if size <= EXACT_UP_TO:
        from simsearch.search.tiles import Tiles

        return Tiles(size, dim, blocks(), "cpu")
    from simsearch.search.cells import Cells

    return Cells(size, dim, blocks, folder)


def expected_seconds(size: int, dim: int) -> float:
    """Return about how long a join takes on a CPU, by a trial of how fast that multiplies."""
    if size <= _FEW:
        return 0.0
    from simsearch.search import cells

    products = size * size * dim if size <= EXACT_UP_TO else cells.products(size, dim)
    return _OVERHEAD * products / _products_a_second()


class _Matrix:
    """Few vectors: torch would take longer to import."""

    def __init__(self, size: int, dim: int, blocks: Blocks) -> None:
        self._vectors = np.empty((size, dim), np.float32)
        for positions, vectors in blocks:
            self._vectors[positions] = vectors

    @property
    def size(self) -> int:
        return len(self._vectors)

    def search(self, vectors: Vectors, k: int) -> tuple[Vectors, Ids]:
        cosines = vectors @ self._vectors.T
        found = np.argsort(-cosines, axis=1, kind="stable")[:, :k]
        return np.take_along_axis(cosines, found, axis=1), found


def _products_a_second() -> float:
    one = np.ones((_TRIAL, _TRIAL), np.float32)
    times = []
    for _ in range(3):
        started = time.perf_counter()
        one @ one
        times.append(time.perf_counter() - started)
    return float(_TRIAL**3 / min(times))
