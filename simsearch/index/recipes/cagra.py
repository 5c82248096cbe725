"""A navigable graph as `hnsw` is, whose links a GPU finds (CAGRA) and a CPU walks.

Ootomo et al. 2023 (faiss.GpuIndexCagra). Its graph becomes the lowest level of an HNSW, as
faiss.GpuIndexCagra.copyTo does it too, but for float32 vectors only.
"""

from dataclasses import dataclass
from typing import Any

import faiss
import numpy as np

from simsearch.errors import DeviceError
from simsearch.index.recipes import VectorSource
from simsearch.index.recipes._graph import LINKS, Graph

_LINKS_BUILDING = 128


@dataclass(frozen=True, slots=True)
class Cagra(Graph):
    """See Recipe and Graph."""

    fewest: int = 1000
    gpu_only: bool = True

    def memory(self, n: int, dim: int) -> int:
        """See Recipe: the vectors are there once more, for the GPU."""
        return Graph.memory(self, n, dim) + n * 2 * dim

    def gpu_memory(self, n: int, dim: int) -> int:
        """See Recipe."""
        return n * (2 * dim + 4 * (2 * LINKS + _LINKS_BUILDING))

    def train(self, source: VectorSource, gpus: int) -> Any:
        """See Recipe; returns a faiss.GpuIndexCagra, whose graph is of all vectors at once.

        Raises:
            DeviceError: there is no GPU.
        """
        if not gpus:
            raise DeviceError("recipe 'cagra' is built on a GPU, and faiss finds none; use 'hnsw'")
        config = faiss.GpuIndexCagraConfig()
        config.graph_degree = 2 * LINKS
        config.intermediate_graph_degree = _LINKS_BUILDING
        resources = faiss.StandardGpuResources()
        index = faiss.GpuIndexCagra(resources, source.dim, faiss.METRIC_L2, config)
        index.train(source.all(np.float16), numeric_type=faiss.Float16)
        return index

    def add(self, index: Any, source: VectorSource, gpus: int) -> Any:
        """See Recipe; without GPUs, to an index that was built by one."""
        if not gpus:
            return Graph.add(self, index, source, 0)
        links = faiss.vector_to_array(index.get_knngraph()).reshape(source.n, 2 * LINKS)
        walked = Graph.train(self, source, 0)
        walked.init_level0 = False  # only the levels above, which tell a search where to begin
        Graph.add(self, walked, source, 0)
        walked.init_level0 = True
        first = faiss.vector_to_array(walked.hnsw.offsets)[:-1].astype(np.int64)
        neighbors = walked.hnsw.neighbors
        places = first[:, None] + np.arange(2 * LINKS)
        faiss.rev_swig_ptr(neighbors.data(), neighbors.size())[places] = links
        return walked


RECIPE = Cagra("SQfp16", bytes_a_number=2)
