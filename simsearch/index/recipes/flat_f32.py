"""Scan every vector, held as float32: exact for any values; what others are measured against."""

from typing import Any

import faiss

from simsearch.index.recipes import VectorSource, add_blocks
from simsearch.index.recipes.flat import EFFORTS, EXACT, search_parameters

SCORE_ERROR = 1e-5
FEWEST = 1
add = add_blocks


def memory(n: int, dim: int) -> int:
    """See Recipe.memory."""
    return 4 * n * dim


def factory(n: int, dim: int) -> str:  # noqa: ARG001 - the same for all
    """See Recipe.factory."""
    return "Flat"


def train(source: VectorSource, gpus: int) -> Any:  # noqa: ARG001 - nothing to build on a GPU
    """See Recipe.train."""
    return faiss.index_factory(source.dim, factory(source.n, source.dim), source.faiss_metric)


__all__ = [
    "EFFORTS",
    "EXACT",
    "FEWEST",
    "SCORE_ERROR",
    "add",
    "factory",
    "memory",
    "search_parameters",
    "train",
]
