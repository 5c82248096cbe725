"""Search of very many vectors by very many: sorted into cells, of which a few are compared.

The cells are those of inverted lists (faiss.IndexIVF), but vectors that visit the same cell are
compared with it in one matrix product, at a tenth of the time that asking one by one takes.
"""

import itertools
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import faiss
import numpy as np
import numpy.typing as npt

from simsearch.errors import StorageError
from simsearch.index.device import free_memory
from simsearch.index.recipes import Vectors
from simsearch.index.vector_index import Ids
from simsearch.search.searchers import Blocks
from simsearch.search.searchers.tiles import PICKING, top

_CELL = 500  # vectors a cell, in the mean
_PROBES = 8  # cells in which each looks for its neighbours
_TRAINING = 20  # vectors a cell that its centre is found from
_ITERATIONS = 4
_SLOWER = 4.0  # times as long as its matrix products that k-means takes
_UNEVEN = 3.0  # times as much work as with cells of one size
_PRODUCTS = 1 << 26  # of a matrix product at once
_MEMORY_SHARE = 0.5  # of the free memory, for the vectors
_SEED = 1234


class Cells:
    """Vectors as float16, in the order of their cells: in memory, or in a file if they don't fit.

    Of pairs that are alike by the default encoder (a cosine of 0.958), either of which may find the
    other, 0.1 % of a million's are left out (benchmarks/duplicates_scale.py).
    """

    def __init__(self, size: int, dim: int, blocks: Callable[[], Blocks], folder: Path) -> None:
        """Find the centres, and sort all vectors.

        Args:
            folder: has room for a file of 2 * size * dim bytes, if memory has not.

        Raises:
            StorageError: neither has room.
        """
        import torch

        self._centres = torch.from_numpy(_centres(size, dim, blocks()))
        cell = np.empty(size, np.int64)
        for positions, vectors in blocks():
            cell[positions] = (torch.from_numpy(vectors) @ self._centres.T).argmax(dim=1).numpy()
        self._positions = np.argsort(cell, kind="stable")
        self._bounds = np.searchsorted(cell[self._positions], np.arange(len(self._centres) + 1))
        place = np.empty(size, np.int64)
        place[self._positions] = np.arange(size)
        self._vectors = _room(size, dim, folder)
        for positions, vectors in blocks():
            self._vectors[place[positions]] = vectors

    @property
    def size(self) -> int:
        """Number of positions."""
        return len(self._vectors)

    def search(self, vectors: Vectors, k: int) -> tuple[Vectors, Ids]:
        """Return the `k` nearest that lie in the cells nearest to each; see `Searcher`."""
        import torch

        asking = torch.from_numpy(np.ascontiguousarray(vectors))
        _, cells = top(asking @ self._centres.T, _PROBES)
        count, probes = cells.shape
        cosines = torch.full((count, probes, k), -2.0)
        places = torch.full((count, probes, k), -1, dtype=torch.int32)
        visited, order = cells.flatten().sort()
        bounds = torch.searchsorted(visited, torch.arange(len(self._centres) + 1)).tolist()
        for cell, (low, high) in enumerate(itertools.pairwise(bounds)):
            start, end = self._bounds[cell : cell + 2].tolist()
            if low == high or start == end:
                continue
            stored = torch.from_numpy(self._vectors[start:end]).float().T
            step = max(_PRODUCTS // (end - start), 1)
            for first in range(low, high, step):
                visits = order[first : min(first + step, high)]
                rows, slots = visits // probes, visits % probes
                near, at = top(asking[rows] @ stored, k)
                cosines[rows, slots, : near.shape[1]] = near
                places[rows, slots, : near.shape[1]] = (at + start).int()
        best, columns = top(cosines.flatten(1), k)
        found = places.flatten(1).gather(1, columns).numpy()
        return best.numpy(), np.where(found >= 0, self._positions[found], -1)


def products(size: int, dim: int) -> float:
    """Return about how many multiplications sorting and searching for all vectors takes."""
    cells = _count(size)
    training = _SLOWER * _ITERATIONS * _TRAINING * cells * cells
    visited = size * _PROBES * _CELL * _UNEVEN
    return dim * (training + size * 2 * cells) + visited * (dim + PICKING)


def _count(size: int) -> int:
    return max(size // _CELL, 1)


def _centres(size: int, dim: int, blocks: Blocks) -> Vectors:
    """Return unit vectors, float32 [cells, dim], by k-means of a sample."""
    cells = _count(size)
    drawn = np.zeros(size, bool)
    drawn[np.random.default_rng(_SEED).permutation(size)[: _TRAINING * cells]] = True
    sample = np.concatenate([vectors[drawn[positions]] for positions, vectors in blocks])
    means = faiss.Kmeans(
        dim,
        cells,
        niter=_ITERATIONS,
        spherical=True,
        seed=_SEED,
        min_points_per_centroid=1,
        max_points_per_centroid=_TRAINING,
    )
    means.train(sample)
    centres: Vectors = np.array(means.centroids, np.float32)
    return centres


def _room(size: int, dim: int, folder: Path) -> npt.NDArray[np.float16]:
    needed = 2 * size * dim
    if needed <= _MEMORY_SHARE * free_memory():
        return np.empty((size, dim), np.float16)
    if shutil.disk_usage(folder).free < needed:
        raise StorageError(
            f"'{folder}' has no room for {needed / 1e9:.1f} GB while all vectors are searched; "
            "free some, or close other programs"
        )
    with tempfile.TemporaryFile(dir=folder) as file:
        return np.memmap(file, np.float16, "w+", shape=(size, dim))
