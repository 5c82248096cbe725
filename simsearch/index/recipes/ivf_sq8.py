"""Inverted lists of 8-bit vectors: half the memory of float16, searched from a memory map."""

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
SCORE_ERROR = 1e-2
FEWEST = 1


def memory(n: int, dim: int) -> int:
    """See Recipe.memory."""
    return n * (dim + 8) + training_bytes(n, dim)


def factory(n: int, dim: int) -> str:  # noqa: ARG001 - the same for every dim
    """See Recipe.factory."""
    return f"IVF{count_lists(n)},SQ8"


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
