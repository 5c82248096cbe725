"""GPUs that are not there: the CPU does their work."""

from typing import Any

import faiss
import numpy as np
import pytest

from simsearch.index import build


class PretendedFlat:
    """Stands for faiss.GpuIndexFlat."""

    def __init__(self, _: object, dim: int, metric: int, config: Any) -> None:
        assert config.useFloat16
        self.on_cpu = faiss.IndexScalarQuantizer(dim, faiss.ScalarQuantizer.QT_fp16, metric)

    def add(self, vectors: Any) -> None:
        """Add vectors."""
        self.on_cpu.add(vectors)

    def search(self, vectors: Any, k: int) -> Any:
        """Search as faiss does."""
        return self.on_cpu.search(vectors, k)


class PretendedCagra:
    """Stands for faiss.GpuIndexCagra; its graph is an HNSW's lowest level."""

    def __init__(self, _: object, dim: int, metric: int, config: Any) -> None:
        self.ntotal = 0
        self._config = config
        self._dim, self._metric = dim, metric
        self._vectors = np.empty((0, dim), np.float16)

    def train(self, vectors: Any, numeric_type: int) -> None:
        """Take all vectors, as faiss does, which adds none later."""
        assert (vectors.dtype, numeric_type, self.ntotal) == (np.float16, faiss.Float16, 0)
        self._vectors, self.ntotal = vectors, len(vectors)

    def search(self, vectors: Any, k: int, params: Any, numeric_type: int) -> Any:
        """Search in the type that it was trained in, as faiss does."""
        assert numeric_type == faiss.Float16
        on_cpu = faiss.SearchParametersHNSW(efSearch=params.itopk_size)
        return self.on_cpu.search(vectors, k, params=on_cpu)

    @property
    def on_cpu(self) -> Any:
        """The graph, on the CPU."""
        links = self._config.graph_degree // 2
        index = faiss.IndexHNSWCagra(self._dim, links, self._metric, faiss.Float16)
        index.add(self._vectors.astype(np.float32))
        index.base_level_only = False
        return index

    def get_knngraph(self) -> Any:
        """Return each vector's links, one vector's after the other's."""
        index = self.on_cpu
        hnsw = index.hnsw
        first = faiss.vector_to_array(hnsw.offsets)[:-1].astype(np.int64)
        places = first[:, None] + np.arange(self._config.graph_degree)
        graph = faiss.Int64Vector()
        faiss.copy_array_to_vector(
            faiss.vector_to_array(hnsw.neighbors)[places].astype(np.int64).ravel(), graph
        )
        return graph


def pretend_gpus(patch: pytest.MonkeyPatch, free: int = 1 << 40) -> None:
    """Let faiss seem to have GPUs, each with so many free bytes."""
    for name in ("StandardGpuResources", "GpuIndexFlatConfig", "GpuIndexCagraConfig"):
        patch.setattr(faiss, name, _Config, raising=False)
    patch.setattr(faiss, "SearchParametersCagra", _Config, raising=False)
    patch.setattr(faiss, "GpuIndexFlat", PretendedFlat, raising=False)
    patch.setattr(faiss, "GpuIndexCagra", PretendedCagra, raising=False)
    patch.setattr(faiss, "index_cpu_to_all_gpus", _taken, raising=False)
    patch.setattr(faiss, "index_gpu_to_cpu", lambda index: index.on_cpu, raising=False)
    patch.setattr(build, "free_gpu_memory", lambda: free)


def _taken(index: Any, ngpu: int) -> Any:
    """Stand for faiss.index_cpu_to_all_gpus."""
    assert ngpu > 0
    return faiss.clone_index(index)


class _Config:
    """Stands for any of faiss's settings."""

    useFloat16: bool  # noqa: N815 - as faiss calls it
    graph_degree: int
    intermediate_graph_degree: int
    itopk_size: int
