"""usearch; float32, by its own defaults."""

from pathlib import Path
from typing import Any

import numpy as np
from usearch.index import Index

from simsearch.collection.api import available_cores
from simsearch.index.recipes import Vectors, VectorSource
from simsearch.index.vector_index import Ids


class UsearchEngine:
    """See Engine."""

    PACKAGES = ("usearch", "numpy")
    knob = "expansion_search"
    efforts = (16, 24, 32, 48, 64, 96, 128, 192, 256, 512)
    settings: dict[str, object]
    _index: Any = None
    _threads = 1

    def train(self, source: VectorSource, gpus: int) -> None:  # noqa: ARG002 - CPU only
        """See Engine."""
        metric = "ip" if source.metric == "cosine" else "l2sq"
        self._index = Index(ndim=source.dim, metric=metric, dtype="f32")
        self.settings = {
            "connectivity": self._index.connectivity,
            "expansion_add": self._index.expansion_add,
        }

    def add(self, source: VectorSource) -> None:
        """See Engine."""
        start = 0
        for block in source.blocks():
            self._index.add(np.arange(start, start + len(block)), block, threads=available_cores())
            start += len(block)

    def save(self, path: Path) -> None:
        """See Engine."""
        self._index.save(str(path))

    def prepare(self, effort: int, threads: int) -> None:
        """See Engine."""
        self._index.expansion_search = effort
        self._threads = threads

    def search(self, queries: Vectors, k: int) -> Ids:
        """See Engine."""
        found = self._index.search(
            queries if len(queries) > 1 else queries[0], k, threads=self._threads
        )
        return np.asarray(found.keys, np.int64).reshape(len(queries), -1)


def make(recipe: str) -> UsearchEngine:  # noqa: ARG001 - it has one kind of index
    """Return the engine."""
    return UsearchEngine()
