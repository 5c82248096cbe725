"""Walk a navigable graph (Malkov and Yashunin 2016, faiss.IndexHNSW)."""

import math
from dataclasses import dataclass
from typing import Any

import faiss

from simsearch.index.recipes import VectorSource, add_blocks

LINKS = 32
_EF_CONSTRUCTION = 100


@dataclass(frozen=True, slots=True)
class Graph:
    """See Recipe; effort is efSearch.

    Attributes:
        storage: how vectors are kept, as faiss's factory calls it.
        bytes_a_number: in that.
    """

    storage: str
    bytes_a_number: int
    score_error: float = 1e-3
    exact: bool = False
    efforts: tuple[int, ...] = (16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 1024, 2048)
    knob: str = "efSearch"
    fewest: int = 1
    gpu_only: bool = False
    growth: float = math.inf

    def memory(self, n: int, dim: int) -> int:
        """See Recipe."""
        return n * (self.bytes_a_number * dim + 2 * 4 * LINKS + 40)

    def gpu_memory(self, n: int, dim: int) -> int:  # noqa: ARG002 - built on the CPU
        """See Recipe."""
        return 0

    def factory(self, n: int, dim: int) -> str:  # noqa: ARG002 - the same for all
        """See Recipe."""
        return f"HNSW{LINKS},{self.storage}"

    def train(self, source: VectorSource, gpus: int) -> Any:  # noqa: ARG002 - built on the CPU
        """See Recipe.

        By distance, not by inner product: which links are worth keeping is judged by the triangle
        inequality, and with the inner product groups of near-identical pictures fall apart.
        """
        text = self.factory(source.n, source.dim)
        return faiss.index_factory(source.dim, text, faiss.METRIC_L2)

    def add(self, index: Any, source: VectorSource, gpus: int) -> Any:  # noqa: ARG002 - built on the CPU
        """See Recipe.

        Free places are filled with links that were judged superfluous, again for the sake of groups
        of near-identical pictures.
        """
        index.hnsw.efConstruction = _EF_CONSTRUCTION
        index.keep_max_size_level0 = True  # which faiss does not save
        return add_blocks(index, source)

    def search_parameters(self, index: Any, effort: int, k: int, selector: Any) -> Any:  # noqa: ARG002 - any index
        """See Recipe."""
        return faiss.SearchParametersHNSW(efSearch=max(effort, 3 * k // 2), sel=selector)
