"""Inverted lists of one bit a number, the best sorted again by 8-bit vectors.

RaBitQ: Gao and Long 2024 (faiss.IndexIVFRaBitQFastScan, faiss.IndexRefine).
"""

from typing import Any

from simsearch.index.recipes import VectorSource
from simsearch.index.recipes._inverted import (
    EFFORTS,
    add,
    count_lists,
    refined_parameters,
    train_inverted,
    training_bytes,
)

EXACT = False
SCORE_ERROR = 1e-2
FEWEST = 1
_CANDIDATES = 400
_FACTORS = 8  # bytes of a vector's norm and correction


def memory(n: int, dim: int) -> int:
    """See Recipe.memory."""
    return n * (dim + dim // 8 + _FACTORS + 8) + training_bytes(n, dim)


def factory(n: int, dim: int) -> str:  # noqa: ARG001 - the same for every dim
    """See Recipe.factory."""
    return f"IVF{count_lists(n)},RaBitQfs,Refine(SQ8)"


def train(source: VectorSource, gpus: int) -> Any:  # noqa: ARG001 - faiss clones no refinement
    """See Recipe.train."""
    return train_inverted(source, factory(source.n, source.dim), 0)


def search_parameters(index: Any, effort: int, k: int) -> Any:
    """See Recipe.search_parameters; effort is nprobe."""
    return refined_parameters(index, effort, k, _CANDIDATES)


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
