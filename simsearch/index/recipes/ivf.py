"""Inverted lists of float16 vectors (faiss.IndexIVF), built on a GPU if there is one."""

from typing import Any

from simsearch.index.recipes import VectorSource
from simsearch.index.recipes._inverted import (
    EFFORTS,
    add,
    count_lists,
    search_parameters,
    train_inverted,
    training_bytes,
)

EXACT = False
SCORE_ERROR = 1e-4
FEWEST = 1


def memory(n: int, dim: int) -> int:
    """See Recipe.memory."""
    return n * (2 * dim + 8) + training_bytes(n, dim)


def factory(n: int, dim: int) -> str:  # noqa: ARG001 - the same for every dim
    """See Recipe.factory."""
    return f"IVF{count_lists(n)},SQfp16"


def train(source: VectorSource, gpus: int) -> Any:
    """See Recipe.train."""
    return train_inverted(source, factory(source.n, source.dim), gpus)


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
