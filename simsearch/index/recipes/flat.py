"""Scan every vector: exact. Held as float16, which is what the store holds, so nothing is lost."""

from typing import Any

import faiss

from simsearch.index.recipes import VectorSource, add_blocks

EXACT = True
EFFORTS: tuple[int, ...] = ()
SCORE_ERROR = 1e-4
FEWEST = 1
add = add_blocks


def memory(n: int, dim: int) -> int:
    """See Recipe.memory."""
    return 2 * n * dim


def factory(n: int, dim: int) -> str:  # noqa: ARG001 - the same for all
    """See Recipe.factory."""
    return "SQfp16"


def train(source: VectorSource, gpus: int) -> Any:  # noqa: ARG001 - nothing to build on a GPU
    """See Recipe.train."""
    return faiss.index_factory(source.dim, factory(source.n, source.dim), source.faiss_metric)


def search_parameters(index: Any, effort: int, k: int) -> None:  # noqa: ARG001
    """See Recipe.search_parameters."""
    return
