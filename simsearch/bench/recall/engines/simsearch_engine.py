"""The recipes, through the call that queries go through."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from simsearch.index.build import gpus_for
from simsearch.index.recipes import Recipe, Vectors, VectorSource, load_recipe
from simsearch.index.vector_index import Ids, VectorIndex
from simsearch.records import SearchTuning


@dataclass
class SimsearchEngine:
    """See Engine."""

    name: str
    recipe: Recipe
    PACKAGES = ("faiss-cpu", "faiss-gpu-cuvs", "numpy")
    settings: dict[str, object] = field(default_factory=dict)
    _gpus: int = 0
    _empty: Any = None
    _index: VectorIndex | None = None

    @property
    def knob(self) -> str:
        """See Engine."""
        return self.recipe.knob

    @property
    def efforts(self) -> tuple[int, ...]:
        """See Engine."""
        return self.recipe.efforts or (0,)

    def train(self, source: VectorSource, gpus: int) -> None:
        """See Engine."""
        self.settings = {"factory": self.recipe.factory(source.n, source.dim)}
        self._gpus = gpus_for(self.name, source.n, source.dim, gpus)
        self._empty = self.recipe.train(source, self._gpus)

    def add(self, source: VectorSource) -> None:
        """See Engine."""
        postings = np.stack([np.arange(source.n)] * 2, axis=1)
        filled = self.recipe.add(self._empty, source, self._gpus)
        self._index = VectorIndex(filled, self.recipe, SearchTuning(), postings)

    def save(self, path: Path) -> None:
        """See Engine."""
        faiss.write_index(self._built().faiss_index, str(path))

    def prepare(self, effort: int, threads: int) -> None:
        """See Engine."""
        faiss.omp_set_num_threads(threads)
        self._index = replace(self._built(), tuning=SearchTuning(effort))

    def search(self, queries: Vectors, k: int) -> Ids:
        """See Engine."""
        return self._built().search(queries, k)[1]

    def _built(self) -> VectorIndex:
        assert self._index is not None  # noqa: S101 - train and add come first
        return self._index


def make(recipe: str) -> SimsearchEngine:
    """Return the engine of a recipe."""
    return SimsearchEngine(recipe, load_recipe(recipe))
