"""Inverted lists of float16 vectors (faiss.IndexIVF), built on a GPU if there is one."""

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
SCORE_ERROR = 1e-4


def memory(n: int, dim: int) -> int:
    """See Recipe.memory."""
    return n * (2 * dim + 8) + training_bytes(n, dim)


def build(source: VectorSource, gpus: int) -> Any:
    """See Recipe.build."""
    return build_inverted(source, faiss.ScalarQuantizer.QT_fp16, gpus)


__all__ = ["EFFORTS", "EXACT", "SCORE_ERROR", "build", "memory", "search_parameters"]
