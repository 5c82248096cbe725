"""hnswlib, whose authors invented the graph; float32."""

from pathlib import Path
from typing import Any

import hnswlib
import numpy as np

from simsearch.collection.api import available_cores
from simsearch.index.recipes import Vectors, VectorSource
from simsearch.index.vector_index import Ids

_LINKS, _EF_CONSTRUCTION = 16, 200  # its own defaults
_SEED = 100


class HnswlibEngine:
    """See Engine."""

    PACKAGES = ("hnswlib", "numpy")
    knob = "ef"
    efforts = (16, 24, 32, 48, 64, 96, 128, 192, 256, 512)
    settings: dict[str, object]
    _index: Any = None

    def train(self, source: VectorSource, gpus: int) -> None:  # noqa: ARG002 - CPU only
        """See Engine."""
        self._index = hnswlib.Index("ip" if source.metric == "cosine" else "l2", source.dim)
        self._index.init_index(
            source.n, M=_LINKS, ef_construction=_EF_CONSTRUCTION, random_seed=_SEED
        )
        self._index.set_num_threads(available_cores())
        self.settings = {"M": self._index.M, "ef_construction": self._index.ef_construction}

    def add(self, source: VectorSource) -> None:
        """See Engine."""
        for block in source.blocks():
            self._index.add_items(block)

    def save(self, path: Path) -> None:
        """See Engine."""
        self._index.save_index(str(path))

    def prepare(self, effort: int, threads: int) -> None:
        """See Engine."""
        self._index.set_ef(effort)
        self._index.set_num_threads(threads)

    def search(self, queries: Vectors, k: int) -> Ids:
        """See Engine."""
        return np.asarray(self._index.knn_query(queries, k)[0], np.int64)


def make(recipe: str) -> HnswlibEngine:  # noqa: ARG001 - it has one kind of index
    """Return the engine."""
    return HnswlibEngine()
