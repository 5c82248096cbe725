"""Exact search of few vectors by one matrix product: torch would take longer to import."""

import numpy as np

from simsearch.index.recipes import Vectors
from simsearch.index.vector_index import Ids
from simsearch.search.searchers import Blocks


class Matrix:
    """Vectors as float32."""

    def __init__(self, size: int, dim: int, blocks: Blocks) -> None:
        self._vectors = np.empty((size, dim), np.float32)
        for positions, vectors in blocks:
            self._vectors[positions] = vectors

    @property
    def size(self) -> int:
        """Number of positions."""
        return len(self._vectors)

    def search(self, vectors: Vectors, k: int) -> tuple[Vectors, Ids]:
        """Return the `k` nearest of each of `vectors`; see `Searcher`."""
        cosines = vectors @ self._vectors.T
        found = np.argsort(-cosines, axis=1, kind="stable")[:, :k]
        return np.take_along_axis(cosines, found, axis=1), found
