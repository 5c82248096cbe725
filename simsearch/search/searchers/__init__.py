"""What answers a join: all vectors, kept so that very many of them can be asked at once."""

from collections.abc import Iterable
from typing import Protocol

from simsearch.index.recipes import Vectors
from simsearch.index.vector_index import Ids

Blocks = Iterable[tuple[Ids, Vectors]]  # (positions int64 [m], unit vectors float32 [m, dim])
SCORE_ERROR = 1e-4  # how far the cosines that a searcher returns may be off


class Searcher(Protocol):
    """Whatever finds the nearest of the vectors that it has; see `VectorIndex.search`."""

    @property
    def size(self) -> int:
        """Number of positions."""
        ...

    def search(self, vectors: Vectors, k: int) -> tuple[Vectors, Ids]:
        """Return (cosines float32 [q, k], positions int64 [q, k]), best first; -1 where fewer."""
        ...
