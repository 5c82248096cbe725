"""Scan every vector: exact."""

from dataclasses import dataclass
from typing import Any

import faiss

from simsearch.index.recipes import VectorSource, add_blocks


@dataclass(frozen=True, slots=True)
class Scan:
    """See Recipe.

    Attributes:
        storage: how vectors are kept, as faiss's factory calls it.
        bytes_a_number: in that.
    """

    storage: str
    bytes_a_number: int
    score_error: float
    exact: bool = True
    efforts: tuple[int, ...] = ()
    knob: str = ""
    fewest: int = 1
    gpu_only: bool = False
    growth: float = 0  # it is as soon built as read

    def memory(self, n: int, dim: int) -> int:
        """See Recipe."""
        return self.bytes_a_number * n * dim

    def gpu_memory(self, n: int, dim: int) -> int:  # noqa: ARG002 - built on the CPU
        """See Recipe."""
        return 0

    def factory(self, n: int, dim: int) -> str:  # noqa: ARG002 - the same for all
        """See Recipe."""
        return self.storage

    def train(self, source: VectorSource, gpus: int) -> Any:  # noqa: ARG002 - nothing to learn
        """See Recipe."""
        return faiss.index_factory(source.dim, self.storage, source.faiss_metric)

    def add(self, index: Any, source: VectorSource, gpus: int) -> Any:  # noqa: ARG002 - built on the CPU
        """See Recipe."""
        return add_blocks(index, source)

    def search_parameters(self, index: Any, effort: int, k: int, selector: Any) -> Any:  # noqa: ARG002 - exact
        """See Recipe."""
        return None if selector is None else faiss.SearchParameters(sel=selector)
