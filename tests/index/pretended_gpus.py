"""GPUs that are not there: the CPU does their work."""

from typing import Any

import faiss
import numpy as np
import pytest

from simsearch.index import build


class PretendedCagra:
    """Stands for faiss.GpuIndexCagra; its graph is an HNSW's lowest level."""

    def __init__(self, _: object, dim: int, metric: int, config: Any) -> None:
        self.ntotal = 0
        self.links = config.graph_degree // 2
        self._dim, self._metric = dim, metric
        self._vectors = np.empty((0, dim), np.float16)

    def train(self, vectors: Any, numeric_type: int) -> None:
        """Take all vectors, as faiss does, which adds none later."""
        assert (vectors.dtype, numeric_type, self.ntotal) == (np.float16, faiss.Float16, 0)
        self._vectors, self.ntotal = vectors, len(vectors)

    def copyTo(self, target: Any) -> None:  # noqa: N802 - as faiss calls it
        """Make a graph on the CPU of it."""
        assert not target.base_level_only
        index = faiss.IndexHNSWCagra(self._dim, self.links, self._metric, faiss.Float16)
        index.add(self._vectors.astype(np.float32))
        index.base_level_only = False
        target.this, index.this = index.this, target.this


def pretend_gpus(patch: pytest.MonkeyPatch, free: int = 1 << 40) -> None:
    """Let faiss seem to have GPUs, each with so many free bytes."""
    patch.setattr(faiss, "StandardGpuResources", object)
    patch.setattr(faiss, "GpuIndexCagra", PretendedCagra)
    patch.setattr(build, "free_gpu_memory", lambda: free)
