"""A graph built on a GPU (CAGRA), then walked on the CPU as the lowest level of an HNSW.

Ootomo et al. 2023 (faiss.GpuIndexCagra, faiss.IndexHNSWCagra). Not run on a GPU yet.
"""

from dataclasses import dataclass
from typing import Any

import faiss
import numpy as np

from simsearch.errors import DeviceError
from simsearch.index.recipes import VectorSource

_LINKS = 64
_LINKS_BUILDING = 128


@dataclass(frozen=True, slots=True)
class Cagra:
    """See Recipe; effort is efSearch."""

    exact: bool = False
    efforts: tuple[int, ...] = (16, 32, 64, 128, 256, 512, 1024, 2048)
    knob: str = "efSearch"
    score_error: float = 1e-3
    fewest: int = 1000
    growth: float = 0  # faiss adds nothing to it
    gpu_only: bool = True

    def memory(self, n: int, dim: int) -> int:
        """See Recipe: the vectors once for the GPU, once in the index, and the links."""
        return n * (2 * 2 * dim + 4 * _LINKS)

    def gpu_memory(self, n: int, dim: int) -> int:
        """See Recipe."""
        return n * (2 * dim + 4 * (_LINKS + _LINKS_BUILDING))

    def factory(self, n: int, dim: int) -> str:  # noqa: ARG002 - the same for all
        """See Recipe; faiss's factory makes none of it."""
        return f"CAGRA{_LINKS},SQfp16"

    def train(self, source: VectorSource, gpus: int) -> Any:
        """See Recipe.

        Raises:
            DeviceError: there is no GPU.
        """
        if not gpus:
            raise DeviceError("recipe 'cagra' is built on a GPU, and faiss finds none; use 'hnsw'")
        config = faiss.GpuIndexCagraConfig()
        config.graph_degree = _LINKS
        config.intermediate_graph_degree = _LINKS_BUILDING
        resources = faiss.StandardGpuResources()
        return faiss.GpuIndexCagra(resources, source.dim, faiss.METRIC_L2, config)

    def add(self, index: Any, source: VectorSource, gpus: int) -> Any:  # noqa: ARG002 - it is on one
        """See Recipe; the graph is made of all vectors at once."""
        index.train(source.all(np.float16), numeric_type=faiss.Float16)
        walked = faiss.IndexHNSWCagra()
        walked.base_level_only = False  # else each search begins anywhere, and no two are the same
        index.copyTo(walked)
        return walked

    def search_parameters(self, index: Any, effort: int, k: int, selector: Any) -> Any:  # noqa: ARG002 - any index
        """See Recipe."""
        return faiss.SearchParametersHNSW(efSearch=max(effort, 2 * k), sel=selector)


RECIPE = Cagra()
