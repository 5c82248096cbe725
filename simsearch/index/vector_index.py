"""A built index: positions of distinct contents, searched by cosine, mapped back to row ids."""

from dataclasses import dataclass
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from simsearch.index.recipes import Recipe, Vectors
from simsearch.records import SearchTuning

Ids = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Living:
    """Which places of a faiss index still have a content; the others are tombstones.

    Attributes:
        places: int64 [n], ascending.
        selector: lets a search find these only.
    """

    places: Ids
    selector: Any

    @classmethod
    def among(cls, total: int, places: Ids) -> "Living | None":
        """Return those of `total` places, or None where all have a content."""
        if len(places) == total:
            return None
        bits = np.zeros(total, bool)
        bits[places] = True
        return cls(places, faiss.IDSelectorBitmap(np.packbits(bits, bitorder="little")))


@dataclass(frozen=True, slots=True)
class VectorIndex:
    """A FAISS index of one vector a distinct content, at positions 0..n-1.

    Attributes:
        faiss_index: has the vectors in the order of the positions, and may have tombstones.
        recipe: how it was built and is searched.
        tuning: how hard it searches.
        postings: int64 [rows, 2], (position, row id), sorted: which rows have a content.
        trained: number of vectors when it was built.
        living: where the positions are in `faiss_index`, if it has tombstones.
    """

    faiss_index: Any
    recipe: Recipe
    tuning: SearchTuning
    postings: Ids
    trained: int = 0
    living: Living | None = None

    @property
    def size(self) -> int:
        """Number of positions."""
        return int(self.faiss_index.ntotal) if self.living is None else len(self.living.places)

    def search(self, vectors: Vectors, k: int) -> tuple[Vectors, Ids]:
        """Return the `k` nearest positions of each of `vectors`, float32 [q, dim].

        Returns:
            (cosines float32 [q, k], higher is nearer; positions int64 [q, k]), best first. Where
            fewer are found, positions are -1. k is cut to the size of the index.
        """
        k = min(k, self.size)
        if k == 0:
            return np.empty((len(vectors), 0), np.float32), np.empty((len(vectors), 0), np.int64)
        selector = None if self.living is None else self.living.selector
        effort = self.tuning.effort
        parameters = self.recipe.search_parameters(self.faiss_index, effort, k, selector)
        scores, positions = self.faiss_index.search(vectors, k, params=parameters)
        if self.living is not None:
            found = np.searchsorted(self.living.places, positions)
            positions = np.where(positions >= 0, found, -1)
        if self.faiss_index.metric_type == faiss.METRIC_L2:
            # |a - b|^2 = 2 - 2 cos(a, b) for unit vectors
            scores = np.subtract(1, scores / 2, dtype=np.float32)
        return scores, positions

    def rows_at(self, position: int) -> Ids:
        """Return the row ids whose content is at a position, ascending."""
        low, high = np.searchsorted(self.postings[:, 0], (position, position + 1))
        ids: Ids = self.postings[low:high, 1]
        return ids

    def positions_of(self, ids: Ids) -> Ids:
        """Return the position of each row id's content."""
        order = np.argsort(self.postings[:, 1])
        at = np.searchsorted(self.postings[:, 1], ids, sorter=order)
        positions: Ids = self.postings[order[at], 0]
        return positions
