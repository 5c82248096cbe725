"""Inverted lists of 8-bit vectors: half the memory of float16, searched from a memory map."""

from typing import Any

import faiss

from simsearch.index.recipes import VectorSource
from simsearch.index.recipes._inverted import (
    EFFORTS,
    build_inverted,
    search_parameters,
    training_bytes,
)

EXACT = False
SCORE_ERROR = 1e-2


def memory(n: int, dim: int) -> int:
    """See Recipe.memory."""
    return n * (dim + 8) + training_bytes(n, dim)


def build(source: VectorSource, gpus: int) -> Any:
    """See Recipe.build."""
    return build_inverted(source, faiss.ScalarQuantizer.QT_8bit, gpus)


__all__ = ["EFFORTS", "EXACT", "SCORE_ERROR", "build", "memory", "search_parameters"]
